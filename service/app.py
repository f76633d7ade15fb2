"""Wiring and lifespan; the only place where the parts are put together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from service.backend import InferenceBackend
from service.catalog import Catalog
from service.errors import GatewayError, InvalidParameter, UnknownParameter, answer, answer_status
from service.metrics import Metrics
from service.middleware import Frame, trace_of
from service.pipeline import READERS, Pipeline
from service.routes import control, health, models, predict
from service.routes import metrics as metrics_route
from service.settings import Settings
from service.steps.decode import configure_pillow
from service.trace import Outcome
from service.triton import TritonBackend


def create_app(settings: Settings, backend: InferenceBackend | None = None) -> FastAPI:
    """The gateway over ``backend``, by default the Triton that ``settings`` names."""
    backend = backend or TritonBackend(settings.triton_url)
    metrics = Metrics(settings.timeout_seconds)
    catalog = Catalog(backend, READERS.keys())
    pipeline = Pipeline(settings, catalog, backend, metrics)
    metrics.watch_models(lambda: len(catalog.servable()))
    configure_pillow()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await catalog.try_refresh()  # a Triton that is not there yet is no reason not to start
        task = asyncio.create_task(catalog.keep_fresh(settings.catalog_refresh_seconds))
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        pipeline.close()
        await backend.close()

    app = FastAPIOffline(
        title="Fovea",
        description="Image in, JSON out: attention-augmented vision models on NVIDIA Triton.",
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.state.draining = False
    app.state.catalog = catalog
    app.add_middleware(Frame, metrics=metrics)
    app.include_router(predict.router(pipeline))
    app.include_router(models.router(catalog))
    app.include_router(control.router(settings, catalog, backend))
    app.include_router(health.router(catalog, backend))
    app.include_router(metrics_route.router(metrics))
    app.add_exception_handler(GatewayError, _refuse)
    app.add_exception_handler(HTTPException, _refuse_by_status)
    app.add_exception_handler(RequestValidationError, _refuse_query)
    app.add_exception_handler(ClientDisconnect, _let_go)
    return app


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, GatewayError)  # noqa: S101 - Starlette's table is typed no finer
    trace = trace_of(request.scope)
    trace.outcome = error.outcome
    trace.cause = str(error.__cause__ or error)
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
