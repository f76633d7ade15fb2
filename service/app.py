"""Wiring and lifespan; the only place where the parts are put together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from pixels.decode import configure_pillow
from pixels.native import return_large_blocks
from service.backend import InferenceBackend
from service.cache import Cache
from service.catalog import Catalog
from service.comparing import Comparing
from service.decision import Routing
from service.errors import GatewayError, InvalidParameter, UnknownParameter, answer, answer_status
from service.fallback import Fallback
from service.guard import Guard
from service.inference_protocol.inference import Inferences
from service.inference_protocol.intake import TensorIntake
from service.inference_protocol.models import Models
from service.intake import Intake
from service.limiter import Limiters
from service.metrics import Metrics
from service.middleware import Frame, trace_of
from service.openapi import described
from service.pipeline import Pipeline
from service.pool import Budget, Pool
from service.predicting import Predicting
from service.predictor import READERS, Predictor
from service.routes import (
    compare,
    control,
    health,
    inference_protocol,
    models,
    predict,
    routes,
    shadow,
    torchserve,
)
from service.routes import metrics as metrics_route
from service.routes.health import Readiness
from service.routing.file import RoutesFile
from service.routing.latencies import Latencies
from service.routing.router import Router
from service.settings import Settings
from service.shadow.mirror import Mirrored
from service.shadow.record import Shadows
from service.shield import Shield, protect
from service.trace import Outcome, Trace
from service.triton import TritonBackend
from service.values import Wish

if TYPE_CHECKING:
    from service.telemetry import Telemetry


# Without a prediction, before a candidate of a shadow may run. Where callers are many, gaps are
# shorter: at 70 % of capacity, candidates that took any gap made the median a third longer.
QUIET_SECONDS = 0.03


class _Parts:
    """All that a gateway is made of, put together once.

    Raises:
        KeysError: the file of API keys cannot be used.
        RoutesError: the routing file cannot.
    """

    def __init__(self, settings: Settings, backend: InferenceBackend | None) -> None:
        self.settings = settings
        self.metrics = Metrics(settings.timeout_seconds)
        self.backend = backend or TritonBackend(settings, self.metrics.triton)
        self.catalog = Catalog(self.backend, READERS.keys(), settings.recipes_dir)
        self.limiters = Limiters(
            settings.max_in_flight, settings.queue_seconds, settings.latency_target_seconds
        )
        self.guard = Guard(settings)
        self.routes = RoutesFile(settings.routes_file)
        self.routes.load()
        self.latencies = Latencies()
        self.router = Router(self.catalog, self.routes, self.latencies)
        self.pool = Pool(settings.decode_threads, settings.max_decode_bytes)
        buffered = Budget(settings.max_buffered_bytes)
        self.intake = Intake(settings, self.pool, buffered)
        self.predictor = Predictor(settings, self.backend, self.pool, self.limiters)
        self.shadows = Shadows(lambda: self.routes.current, self.metrics.shadows)
        self.mirrored = Mirrored(
            Fallback(self.predictor, self.latencies),
            candidates=self.predictor,
            shadows=self.shadows,
            idle=lambda: self.limiters.idle_seconds() >= QUIET_SECONDS,
            observe=self.latencies.observe,
            timeout_seconds=settings.timeout_seconds,
        )
        self.pipeline = Pipeline(
            settings.timeout_seconds, self.router, self.limiters, self.intake, self._outermost()
        )
        self.comparing = Comparing(
            settings,
            self.router,
            self.catalog,
            limiters=self.limiters,
            intake=self.intake,
            predictor=self.predictor,
        )
        self.models = Models(self.catalog, self._chosen)
        self.inferences = Inferences(
            timeout_seconds=settings.timeout_seconds,
            models=self.models,
            limiters=self.limiters,
            intake=TensorIntake(settings, self.pool, buffered),
            backend=self.backend,
            pool=self.pool,
        )
        self.telemetry = _telemetry(settings)
        self.metrics.watch_catalog(self.catalog)
        self.metrics.watch_limiters(self.limiters)

    def _outermost(self) -> Predicting:
        if not self.settings.cache_bytes:
            return self.mirrored
        cache = Cache(self.mirrored, self.settings.cache_bytes, self.catalog, self.pool)
        self.metrics.watch_cache(cache)
        return cache

    def _chosen(self, wish: Wish, trace: Trace) -> tuple[str, str]:
        """By route where there is one of that name; else any model of Triton's, recipe or not."""
        name, version = wish.model or "", wish.version or ""
        if version or name not in self.routes.current.routes:
            return name, version
        decision = self.router.decide(wish)
        trace.routing = Routing.of(decision)
        return decision.choice.model, decision.choice.version

    def reload(self) -> None:
        """Read the files again, now."""
        self.guard.reload()
        self.routes.refresh()

    @asynccontextmanager
    async def running(self, _: FastAPI) -> AsyncIterator[None]:
        """The lifespan: what goes on beside the requests."""
        await self.catalog.try_refresh()  # a Triton that is not there yet is no reason to wait
        every_seconds = self.settings.catalog_refresh_seconds
        tasks = [
            asyncio.create_task(self.catalog.keep_fresh(every_seconds)),
            asyncio.create_task(self.metrics.keep_sampled()),
            asyncio.create_task(self.mirrored.run()),
        ]
        if self.settings.routes_file is not None:
            tasks.append(asyncio.create_task(_keep_read(self.routes, every_seconds)))
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.pool.close()
        await self.backend.close()
        if self.telemetry is not None:
            await asyncio.to_thread(self.telemetry.close)


def create_app(settings: Settings, backend: InferenceBackend | None = None) -> FastAPI:
    """The gateway over ``backend``, by default the Triton that ``settings`` names.

    Raises:
        KeysError, RoutesError: a file that the settings name cannot be used.
    """
    parts = _Parts(settings, backend)
    configure_pillow()
    return_large_blocks()
    app = described(settings.docs, lifespan=parts.running, redirect_slashes=False)
    app.state.draining = False
    app.state.catalog = parts.catalog
    app.state.reload = parts.reload
    protect(app, settings)
    app.add_middleware(Frame, metrics=parts.metrics, telemetry=parts.telemetry)
    app.add_middleware(Shield)
    _include_routes(app, parts)
    app.add_exception_handler(GatewayError, _refuse)
    app.add_exception_handler(HTTPException, _refuse_by_status)
    app.add_exception_handler(RequestValidationError, _refuse_query)
    app.add_exception_handler(ClientDisconnect, _let_go)
    return app


def _include_routes(app: FastAPI, parts: _Parts) -> None:
    catalog, guard = parts.catalog, parts.guard
    readiness = Readiness(catalog, parts.backend, parts.settings.required_models)
    app.router.routes.insert(0, predict.route(parts.pipeline, guard))  # what is asked most
    app.router.routes.append(compare.route(parts.comparing, guard))
    app.router.routes += torchserve.routes(parts.pipeline, guard)
    app.router.routes += inference_protocol.routes(
        parts.inferences, parts.models, parts.backend, guard, readiness
    )
    app.include_router(torchserve.probe(readiness))
    app.include_router(models.router(catalog, guard))
    app.include_router(routes.router(catalog, parts.routes, guard))
    app.include_router(shadow.router(parts.shadows, guard))
    app.include_router(control.router(parts.settings, catalog, parts.backend, guard))
    app.include_router(health.router(readiness))
    app.include_router(metrics_route.router(parts.metrics))


def _telemetry(settings: Settings) -> "Telemetry | None":
    if settings.otel_endpoint is None:
        return None
    from service.telemetry import Telemetry  # noqa: PLC0415 - its libraries are an extra

    return Telemetry.to(settings.otel_endpoint, settings.otel_share)


async def _keep_read(routes: RoutesFile, every_seconds: float) -> None:
    while True:
        await asyncio.sleep(every_seconds)
        await asyncio.to_thread(routes.refresh)


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, GatewayError)  # noqa: S101 - Starlette's table is typed no finer
    trace = trace_of(request.scope)
    error.record(trace)
    return answer(error, request.scope["path"], trace.request_id)


async def _refuse_by_status(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    trace = trace_of(request.scope)
    trace.outcome = Outcome.CLIENT_ERROR
    return answer_status(error.status_code, request.scope["path"], trace.request_id, error.headers)


async def _refuse_query(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    items = error.errors()
    unknown = sorted({item["loc"][-1] for item in items if item["type"] == "extra_forbidden"})
    if unknown:
        names = ", ".join(repr(str(name)[:100]) for name in unknown[:10])
        problem: GatewayError = UnknownParameter(f"unknown here: {names}", field=str(unknown[0]))
    else:
        name = str(items[0]["loc"][-1])
        problem = InvalidParameter(f"{name!r}: {items[0]['msg']}", field=name)
    return await _refuse(request, problem)


async def _let_go(request: Request, _: Exception) -> Response:
    """Nobody reads this answer; its status, nginx's for a caller that left, is for the log."""
    trace_of(request.scope).outcome = Outcome.CANCELLED
    return Response(status_code=499)
