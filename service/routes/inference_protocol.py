"""The Open Inference Protocol (KServe v2), as `tritonclient.http` speaks it.

Its paths and answers are not ours to describe, so they are not in the OpenAPI document;
docs/inference-protocol.md tells what is passed on.
"""

from collections.abc import Awaitable, Callable

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from service.backend import InferenceBackend, Subject
from service.deadlines import arriving
from service.errors import (
    BodyTooLarge,
    MalformedUpload,
    ModelNotReady,
    answer_status,
)
from service.guard import Guard
from service.inference_protocol.inference import Inferences
from service.inference_protocol.intake import HEAD, Framing
from service.inference_protocol.models import Models
from service.middleware import trace_of
from service.routes.health import Readiness
from service.routes.predict import LONGEST_TIMEOUT_MS, PredictHeaders, body_of, told_in_headers
from service.schemas import timings
from service.trace import Outcome
from service.values import Deadline, Model, Wish

Endpoint = Callable[[Request], Awaitable[Response]]

SERVER, MODEL = "/v2", "/v2/models/{model}"
VERSION = MODEL + "/versions/{version}"
INFER = ("/v2/models/{model}/infer", "/v2/models/{model}/versions/{version}/infer")
LONGEST_FILTER = 1000  # bytes of a body that may say {"ready": true}
INDEX_SECONDS = 5.0  # for it to arrive
# Of Triton's extensions those that work as a whole through a gateway.
EXTENSIONS = {
    "classification", "schedule_policy", "model_configuration", "binary_tensor_data",
    "parameters", "statistics",
}  # fmt: skip
NOT_PASSED_ON = {
    "/v2/repository/models/{model}/{change}": "load and unload models with POST /models/NAME/load "
    "and /unload",
    "/v2/systemsharedmemory/{rest:path}": "memory of the server is not shared through a gateway",
    "/v2/cudasharedmemory/{rest:path}": "memory of the server is not shared through a gateway",
    "/v2/trace/setting": "Triton's traces are not set through a gateway",
    "/v2/models/{model}/trace/setting": "Triton's traces are not set through a gateway",
    "/v2/logging": "Triton's log is not set through a gateway",
}


class InferQuery(BaseModel):
    """The query parameters of an inference; others are refused."""

    model_config = ConfigDict(extra="forbid")

    timeout_ms: int | None = Field(None, ge=1, le=LONGEST_TIMEOUT_MS)
    route_key: str | None = Field(None, min_length=1, max_length=256)
    target: str | None = Field(None, max_length=160)


def routes(
    inferences: Inferences,
    models: Models,
    backend: InferenceBackend,
    guard: Guard,
    readiness: Readiness,
) -> list[Route]:
    """The protocol's routes; inferences first, because they are what is asked most."""
    asking = _Asking(models, backend, guard)

    async def infer(request: Request) -> Response:
        await guard.predict(request)
        return await _infer(inferences, request)

    async def is_live(_: Request) -> Response:
        return Response()

    async def is_ready(request: Request) -> Response:
        await readiness.check(request)
        return Response()

    get = {
        "/v2/health/live": is_live,
        "/v2/health/ready": is_ready,
        SERVER: asking.server,
        "/v2/models/stats": asking.all_statistics,
    }
    for path in (MODEL, VERSION):
        get |= {
            path: asking.metadata,
            f"{path}/ready": asking.is_ready,
            f"{path}/config": asking.config,
            f"{path}/stats": asking.statistics,
        }
    return [
        *(Route(path, infer, methods=["POST"]) for path in INFER),
        *(Route(path, endpoint, methods=["GET"]) for path, endpoint in get.items()),
        Route("/v2/repository/index", asking.index, methods=["POST"]),
        *(
            Route(path, _refusing(why), methods=["GET", "POST"])
            for path, why in NOT_PASSED_ON.items()
        ),
    ]


class _Asking:
    """What the server says of itself and its models; whoever has any key may ask."""

    def __init__(self, models: Models, backend: InferenceBackend, guard: Guard) -> None:
        self._models = models
        self._backend = backend
        self._guard = guard

    async def server(self, request: Request) -> Response:
        await self._guard.look(request)
        told = await self._backend.describe(Subject.SERVER)
        told["extensions"] = [name for name in told["extensions"] if name in EXTENSIONS]
        return JSONResponse(told)

    async def index(self, request: Request) -> Response:
        await self._guard.look(request)
        entries = await self._backend.describe(Subject.REPOSITORY)
        if await _only_ready(request):
            entries = [entry for entry in entries if entry.get("state") == "READY"]
        return JSONResponse(entries)

    async def all_statistics(self, request: Request) -> Response:
        await self._guard.look(request)
        return JSONResponse(await self._backend.describe(Subject.STATISTICS))

    async def is_ready(self, request: Request) -> Response:
        model, version = await self._model(request)
        if not await self._backend.model_ready(model.name, version):
            raise ModelNotReady(f"model {model.name!r} would not answer now")
        return Response()

    async def metadata(self, request: Request) -> Response:
        return await self._told(request, Subject.MODEL)

    async def config(self, request: Request) -> Response:
        return await self._told(request, Subject.CONFIG)

    async def statistics(self, request: Request) -> Response:
        return await self._told(request, Subject.STATISTICS)

    async def _told(self, request: Request, subject: Subject) -> Response:
        model, version = await self._model(request)
        return JSONResponse(await self._backend.describe(subject, model.name, version))

    async def _model(self, request: Request) -> tuple[Model, str]:
        await self._guard.look(request)
        path = request.path_params
        wish = Wish(model=path["model"], version=path.get("version"))
        return self._models.find(wish, trace_of(request.scope))


async def _only_ready(request: Request) -> bool:
    """Whether the body, which may be empty, says {"ready": true}."""
    body = await arriving(Deadline.after(INDEX_SECONDS), _short_body(request))
    try:
        return bool(body) and bool(from_json(body).get("ready"))
    except (AttributeError, ValueError) as error:
        raise MalformedUpload(
            "the body is no JSON object", remedy='send {"ready": true}'
        ) from error


async def _infer(inferences: Inferences, request: Request) -> Response:
    try:
        query = InferQuery.model_validate(dict(request.query_params))
        headers = PredictHeaders.model_validate(request.headers)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from error
    timeout_ms = query.timeout_ms or headers.x_timeout_ms
    wish = Wish(
        model=request.path_params["model"],
        version=request.path_params.get("version"),
        route_key=query.route_key or headers.x_route_key,
        target=query.target or headers.x_route_target,
        timeout_seconds=None if timeout_ms is None else timeout_ms / 1000,
    )
    framing = Framing.of(request.headers.get("content-encoding", ""), request.headers.get(HEAD))
    trace = trace_of(request.scope)
    content, head_bytes = await inferences.run(wish, body_of(request), framing, trace)
    told = told_in_headers(trace, timings(trace))
    if head_bytes == len(content):
        return Response(content, media_type="application/json", headers=told)
    told[HEAD] = str(head_bytes)
    return Response(content, media_type="application/octet-stream", headers=told)


def _refusing(why: str) -> Endpoint:
    async def refuse(request: Request) -> Response:
        trace = trace_of(request.scope)
        trace.outcome = Outcome.CLIENT_ERROR
        return answer_status(404, request.scope["path"], trace.request_id, None, why)

    return refuse


async def _short_body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_FILTER:
            raise BodyTooLarge("the body is too long", max_body_bytes=LONGEST_FILTER)
    return body
