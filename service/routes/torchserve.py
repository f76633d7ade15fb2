"""TorchServe's inference API, for callers that were written for it: /predictions and /ping."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse

from service import errors
from service.examples.names import CLASSIFIER
from service.examples.torchserve import BODIES, PREDICTION, UNHEALTHY
from service.guard import Guard
from service.middleware import trace_of
from service.openapi import KEYS, responses
from service.pipeline import Pipeline
from service.routes import predict
from service.routes.direct import DirectRoute
from service.routes.health import Readiness
from service.routes.predict import (
    LONGEST_TIMEOUT_MS,
    PredictHeaders,
    PredictQuery,
    RouteKeyHeader,
    RouteTargetHeader,
    TimeoutHeader,
    body_of,
    told_in_headers,
    wished,
)
from service.schemas import Health, timings
from service.slot import Batch
from service.steps.read import FORM
from service.values import Body, Findings

NEWEST, ONE, PING = "/predictions/{model}", "/predictions/{model}/{version}", "/ping"
METHODS = ("POST", "PUT")  # `curl -T` puts
TOP = 5  # classes that TorchServe's image_classifier answers
LEAST_SCORE = 0.5  # of the objects that its object_detector answers
# The model is in the path, and nobody asks for the type of a body.
FAILURES = tuple(
    kind
    for kind in predict.FAILURES
    if kind not in (errors.ModelNotNamed, errors.BudgetTooSmall, errors.UnsupportedMediaType)
)

Classes = dict[str, float]
Corners = Annotated[list[float], Field(min_length=4, max_length=4)]
Objects = list[dict[str, Corners | float]]
Name = Annotated[str, Path(max_length=128, examples=[CLASSIFIER])]
Version = Annotated[
    str, Path(max_length=32, examples=["1"], description="a 1 may also be TorchServe's 1.0")
]


class _Path(BaseModel):
    model: str = Field(max_length=128)
    version: str = Field("", max_length=32)


class TorchServeQuery(BaseModel):
    """The query parameters; others are refused."""

    model_config = ConfigDict(extra="forbid")

    timeout_ms: int | None = Field(
        None, ge=1, le=LONGEST_TIMEOUT_MS, description="longest time to wait, upload included"
    )


Asked = Annotated[TorchServeQuery, Query()]


def routes(pipeline: Pipeline, guard: Guard) -> list[DirectRoute]:
    """The routes of predictions over ``pipeline``, one for each path and method."""

    async def predict_version_as_torchserve(  # noqa: PLR0913 - what a request may say
        request: Request,
        *,
        model: Name,
        version: Version,
        query: Asked,
        x_timeout_ms: TimeoutHeader = None,
        x_route_key: RouteKeyHeader = None,
        x_route_target: RouteTargetHeader = None,
    ) -> Response:
        """Likewise, of one version of the model."""
        asked = PredictQuery.model_construct(  # unchecked: an odd version is an unknown one
            model=model,
            version=version.removesuffix(".0") or None,
            render=False,
            timeout_ms=query.timeout_ms,
        )
        instead = {"timeout_ms": x_timeout_ms, "route_key": x_route_key, "target": x_route_target}
        wish = wished(asked, instead, request.headers)
        trace = trace_of(request.scope)
        result = await pipeline.run(wish, _one_image(body_of(request)), trace)
        assert not isinstance(result, Batch)  # noqa: S101 - the body had one image
        return JSONResponse(told(result.findings), headers=told_in_headers(trace, timings(trace)))

    async def predict_as_torchserve(  # noqa: PLR0913 - likewise
        request: Request,
        *,
        model: Name,
        query: Asked,
        x_timeout_ms: TimeoutHeader = None,
        x_route_key: RouteKeyHeader = None,
        x_route_target: RouteTargetHeader = None,
    ) -> Response:
        """Answer as TorchServe's default handlers do: `image_classifier` and `object_detector`.

        The model may also be a route of the routing file. TorchServe's names for what went wrong,
        `code` and `message`, are among the members of each problem.
        """
        return await predict_version_as_torchserve(
            request,
            model=model,
            version="",
            query=query,
            x_timeout_ms=x_timeout_ms,
            x_route_key=x_route_key,
            x_route_target=x_route_target,
        )

    async def arguments(request: Request) -> Mapping[str, Any]:
        await guard.predict(request)
        path = _Path.model_validate(request.path_params)
        query = TorchServeQuery.model_validate(dict(request.query_params))
        headers = PredictHeaders.model_validate(request.headers)
        named = path.model_dump(exclude_unset=True)
        return {"request": request, "query": query} | named | headers.model_dump()

    endpoints: dict[str, Callable[..., Any]] = {
        NEWEST: predict_as_torchserve,
        ONE: predict_version_as_torchserve,
    }
    return [
        _route(path, method, endpoint, arguments)
        for path, endpoint in endpoints.items()
        for method in METHODS
    ]


def probe(readiness: Readiness) -> APIRouter:
    """The route of TorchServe's probe; it says what /readyz says."""
    routes = APIRouter(tags=["health"])

    @routes.get(PING, responses=responses(PING) | {503: UNHEALTHY})
    async def ping(request: Request, response: Response) -> Health:
        """Healthy: the gateway wants traffic, as `/readyz` says it; else 503 and `Unhealthy`."""
        try:
            await readiness.check(request)
        except errors.NotReady as error:
            error.record(trace_of(request.scope))
            response.status_code = error.status
            response.headers.update(error.headers())
            return Health(status="Unhealthy")
        return Health(status="Healthy")

    return routes


def told(findings: Findings) -> Classes | Objects:
    """``findings`` in the form of pytorch/serve's ts/torch_handler.

    Labels that are best to their scores, or for each object its label to its corners and "score"
    to its score; 0, 0 is the upper left corner of the image's first pixel.
    """
    if findings.detections is None:
        return {label.name: label.score for label in (findings.labels or ())[:TOP]}
    return [
        {
            one.label.name: [one.box.x_min, one.box.y_min, one.box.x_max, one.box.y_max],
            "score": one.label.score,
        }
        for one in findings.detections
        if one.label.score >= LEAST_SCORE
    ]


def _one_image(body: Body) -> Body:
    """``body`` as the pipeline takes it: what is no form is an image, whatever it is called."""
    content_type = body.content_type if body.media_type == FORM else "image/*"
    return replace(body, content_type=content_type, most_images=1)


def _route(
    path: str, method: str, endpoint: Callable[..., Any], arguments: Callable[..., Any]
) -> DirectRoute:
    name = endpoint.__name__
    return DirectRoute(
        path,
        endpoint,
        arguments=arguments,
        methods=[method],
        also=METHODS,
        operation_id=name if method == "POST" else name.replace("predict", "put", 1),
        tags=["prediction"],
        response_model=Classes | Objects,
        responses=responses(path, *FAILURES, success=PREDICTION),
        openapi_extra={"requestBody": BODIES, "security": KEYS},
    )
