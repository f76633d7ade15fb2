"""POST /predict: an image in, a prediction out."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

from fastapi import Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import Headers
from starlette.types import Receive

from contract.recipe import Task
from service import errors
from service.accept import JSON, PNG, wants_picture
from service.examples.answers import PREDICTION
from service.examples.bodies import BODIES
from service.examples.names import CLASSIFIER
from service.guard import Guard
from service.middleware import trace_of
from service.openapi import KEYS, responses
from service.pipeline import Pipeline
from service.routes.direct import DirectRoute
from service.schemas import Answer, BatchAnswer, timings
from service.slot import Batch
from service.trace import Trace
from service.values import Body, Policy, Result, Wish

LONGEST_TIMEOUT_MS = 3_600_000
PATH = "/predict"
FAILURES = (
    errors.UnknownParameter,
    errors.ModelNotNamed,
    errors.TaskNotNamed,
    errors.MalformedUpload,
    errors.Unauthenticated,
    errors.Forbidden,
    errors.UnknownModel,
    errors.UnknownVersion,
    errors.BodyTimeout,
    errors.ModelNotServable,
    errors.BodyTooLarge,
    errors.ImageTooLarge,
    errors.TooManyImages,
    errors.UnsupportedMediaType,
    errors.InvalidParameter,
    errors.BudgetTooSmall,
    errors.UnreadableImage,
    errors.RateLimited,
    errors.InferenceFailed,
    errors.UnexpectedOutput,
    errors.Overloaded,
    errors.QueueFull,
    errors.BackendUnavailable,
    errors.ModelNotReady,
    errors.ModelBroken,
    errors.DeadlineExceeded,
)


class PredictQuery(BaseModel):
    """The query parameters; others are refused."""

    model_config = ConfigDict(extra="forbid")

    model: str | None = Field(
        None,
        max_length=128,
        examples=[CLASSIFIER],
        description="a model, a route of the routing file, or `auto`, which chooses by `policy` "
        "and `budget_ms`; may be left out where one model is served or there is a default",
    )
    version: str | None = Field(
        None, pattern=r"^[0-9]{1,18}$", description="the newest ready one by default"
    )
    task: Task | None = Field(
        None, description="what the model must do; picks the task's default where none is named"
    )
    policy: Policy | None = Field(
        None,
        description="with `model=auto`: the most accurate model within the budget, or the fastest",
    )
    budget_ms: float | None = Field(
        None,
        gt=0,
        le=LONGEST_TIMEOUT_MS,
        description="with `model=auto`: the recent p95 that the model may have at most",
    )
    route_key: str | None = Field(
        None,
        min_length=1,
        max_length=256,
        description="equal keys get the same target of a route with weights",
    )
    target: str | None = Field(
        None,
        max_length=160,
        description="of a route: who shall answer, as `model` or `model@version`; for testers",
    )
    truth: str | None = Field(
        None,
        max_length=256,
        description="the image's true label, if it is known: it counts in the verdict on a shadow",
    )
    top_k: int | None = Field(
        None, ge=1, le=1_000_000, description="how many classes; all by default"
    )
    class_map: bool = Field(
        False, description="whether to tell where in the image the best classes were seen"
    )
    score_threshold: float | None = Field(
        None, ge=0, le=1, description="of a detector: leave out what scores no more; may only raise"
    )
    max_detections: int | None = Field(
        None, ge=1, le=1_000_000, description="of a detector: how many, best first; may only lower"
    )
    render: bool | None = Field(
        None, description="whether to answer with a picture; by default the header Accept decides"
    )
    timeout_ms: int | None = Field(
        None,
        ge=1,
        le=LONGEST_TIMEOUT_MS,
        description="longest time to wait, upload included; never more than the gateway's own",
    )


TimeoutHeader = Annotated[
    int | None,
    Header(ge=1, le=LONGEST_TIMEOUT_MS, description="as `timeout_ms`, which wins over it"),
]


RouteKeyHeader = Annotated[
    str | None,
    Header(min_length=1, max_length=256, description="as `route_key`, which wins over it"),
]
RouteTargetHeader = Annotated[
    str | None, Header(max_length=160, description="as `target`, which wins over it")
]


class PredictHeaders(BaseModel):
    """The headers that say what a parameter says; others are passed over."""

    x_timeout_ms: int | None = Field(None, alias="x-timeout-ms", ge=1, le=LONGEST_TIMEOUT_MS)
    x_route_key: str | None = Field(None, alias="x-route-key", min_length=1, max_length=256)
    x_route_target: str | None = Field(None, alias="x-route-target", max_length=160)


def route(pipeline: Pipeline, guard: Guard) -> DirectRoute:
    """The route over ``pipeline``."""

    async def predict(
        request: Request,
        query: Annotated[PredictQuery, Query()],
        x_timeout_ms: TimeoutHeader = None,
        x_route_key: RouteKeyHeader = None,
        x_route_target: RouteTargetHeader = None,
    ) -> Response:
        """Decode the image, run the model, name what it saw.

        The model is chosen before the body is read: a wrong name costs no upload. Parameters hold
        for all images of a request; those of a detector are refused where a classifier is asked.
        """
        trace = trace_of(request.scope)
        instead = {
            "timeout_ms": x_timeout_ms,
            "route_key": x_route_key,
            "target": x_route_target,
        }
        wish = wished(query, instead, request.headers)
        result = await pipeline.run(wish, body_of(request), trace)
        return _answer(result, trace, request.scope["path"])

    async def arguments(request: Request) -> Mapping[str, Any]:
        await guard.predict(request)
        query = PredictQuery.model_validate(dict(request.query_params))
        return {"request": request, "query": query} | PredictHeaders.model_validate(
            request.headers
        ).model_dump()

    return DirectRoute(
        PATH,
        predict,
        arguments=arguments,
        methods=["POST"],
        operation_id="predict",
        tags=["prediction"],
        response_model=Answer | BatchAnswer,
        responses=responses(PATH, *FAILURES, success=PREDICTION),
        openapi_extra={"requestBody": BODIES, "security": KEYS},
    )


def wished(query: PredictQuery, instead: Mapping[str, Any], headers: Headers) -> Wish:
    """What the query asks for, ``instead`` where it does not say, and what headers alone tell."""
    timeout_ms = query.timeout_ms or instead["timeout_ms"]
    accept = headers.get("accept", "")
    return Wish(
        model=query.model,
        version=query.version,
        top_k=query.top_k,
        class_maps=query.class_map,
        score_threshold=query.score_threshold,
        max_detections=query.max_detections,
        render=wants_picture(accept) if query.render is None else query.render,
        task=query.task,
        policy=query.policy,
        budget_seconds=None if query.budget_ms is None else query.budget_ms / 1000,
        route_key=query.route_key or instead["route_key"],
        target=query.target or instead["target"],
        truth=query.truth,
        fresh="no-cache" in headers.get("cache-control", "").lower(),
        timeout_seconds=None if timeout_ms is None else timeout_ms / 1000,
    )


def _answer(result: Result | Batch, trace: Trace, path: str) -> Response:
    spent = timings(trace)
    headers = told_in_headers(trace, spent)
    if isinstance(result, Batch):
        told: Answer | BatchAnswer = BatchAnswer.of(result, path, spent, trace.request_id)
    elif result.picture is not None:
        return Response(result.picture, media_type=PNG, headers=headers)
    else:
        told = Answer.of(result, spent, trace.request_id, trace.routing)
    return Response(told.model_dump_json(exclude_none=True), media_type=JSON, headers=headers)


def told_in_headers(trace: Trace, timings_ms: Mapping[str, float]) -> dict[str, str]:
    """`Server-Timing`, and `X-Routing`: who answered, and what he was chosen by."""
    timing = ", ".join(f"{name};dur={ms}" for name, ms in timings_ms.items())
    parts = {"model": trace.model, "version": trace.version}
    if (routing := trace.routing) is not None:
        parts |= {"rule": routing.rule.value, "route": routing.route}
        parts["passed-over"] = "+".join(one.model for one in routing.passed_over)
        parts["cache"] = routing.cache or ""
    routed = ", ".join(f"{name}={part}" for name, part in parts.items() if part)
    return {"Server-Timing": timing, "X-Routing": routed}


def body_of(request: Request) -> Body:
    """The body of ``request``, not yet read."""
    length = request.headers.get("content-length", "")
    return Body(
        chunks=request.stream(),
        content_type=request.headers.get("content-type", ""),
        leaving=partial(_leaving, request.receive),
        content_length=int(length) if length.isascii() and length.isdigit() else None,
    )


async def _leaving(receive: Receive) -> None:
    """Return when the caller has gone; the body must have been read."""
    while (await receive())["type"] != "http.disconnect":
        pass
