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
from service.catalog import Catalog
from service.errors import GatewayError, InvalidParameter, UnknownParameter, answer, answer_status
from service.guard import Guard
from service.limiter import Limiters
from service.metrics import Metrics
from service.middleware import Frame, trace_of
from service.openapi import described
from service.pipeline import Pipeline
from service.predictor import READERS
from service.routes import control, health, models, predict
from service.routes import metrics as metrics_route
from service.settings import Settings
from service.shield import Shield, protect
from service.trace import Outcome
from service.triton import TritonBackend

if TYPE_CHECKING:
    from service.telemetry import Telemetry


def create_app(settings: Settings, backend: InferenceBackend | None = None) -> FastAPI:
    """The gateway over ``backend``, by default the Triton that ``settings`` names.

    Raises:
        KeysError: the file of API keys cannot be used.
    """
    metrics = Metrics(settings.timeout_seconds)
    backend = backend or TritonBackend(settings, metrics.triton)
    catalog = Catalog(backend, READERS.keys(), settings.recipes_dir)
    limiters = Limiters(
        settings.max_in_flight, settings.queue_seconds, settings.latency_target_seconds
    )
    pipeline = Pipeline(settings, catalog, backend, limiters)
    guard = Guard(settings)
    metrics.watch_catalog(catalog)
    metrics.watch_limiters(limiters)
    telemetry = _telemetry(settings)
    configure_pillow()
    return_large_blocks()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await catalog.try_refresh()  # a Triton that is not there yet is no reason not to start
        tasks = [
            asyncio.create_task(catalog.keep_fresh(settings.catalog_refresh_seconds)),
            asyncio.create_task(metrics.keep_sampled()),
        ]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        pipeline.close()
        await backend.close()
        if telemetry is not None:
            await asyncio.to_thread(telemetry.close)

    app = described(settings.docs, lifespan=lifespan, redirect_slashes=False)
    app.state.draining = False
    app.state.catalog = catalog
    app.state.guard = guard
    protect(app, settings)
    app.add_middleware(Frame, metrics=metrics, telemetry=telemetry)
    app.add_middleware(Shield)
    app.router.routes.insert(0, predict.route(pipeline, guard))  # what is asked most
    app.include_router(models.router(catalog, guard))
    app.include_router(control.router(settings, catalog, backend, guard))
    app.include_router(health.router(catalog, backend, settings.required_models))
    app.include_router(metrics_route.router(metrics))
    app.add_exception_handler(GatewayError, _refuse)
    app.add_exception_handler(HTTPException, _refuse_by_status)
    app.add_exception_handler(RequestValidationError, _refuse_query)
    app.add_exception_handler(ClientDisconnect, _let_go)
    return app


def _telemetry(settings: Settings) -> "Telemetry | None":
    if settings.otel_endpoint is None:
        return None
    from service.telemetry import Telemetry  # noqa: PLC0415 - its libraries are an extra

    return Telemetry.to(settings.otel_endpoint, settings.otel_share)


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
