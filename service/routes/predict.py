"""POST /predict: an image in, a prediction out."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

from fastapi import Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.types import Receive

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
from service.values import Body, Result, Wish

LONGEST_TIMEOUT_MS = 3_600_000
PATH = "/predict"
FAILURES = (
    errors.UnknownParameter,
    errors.ModelNotNamed,
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
        description="may be left out where one model is served",
    )
    version: str | None = Field(
        None, pattern=r"^[0-9]{1,18}$", description="the newest ready one by default"
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


class _Headers(BaseModel):
    timeout_ms: int | None = Field(None, alias="x-timeout-ms", ge=1, le=LONGEST_TIMEOUT_MS)


def route(pipeline: Pipeline, guard: Guard) -> DirectRoute:
    """The route over ``pipeline``."""

    async def predict(
        request: Request,
        query: Annotated[PredictQuery, Query()],
        x_timeout_ms: TimeoutHeader = None,
    ) -> Response:
        """Decode the image, run the model, name what it saw.

        The model is chosen before the body is read: a wrong name costs no upload. Parameters hold
        for all images of a request; those of a detector are refused where a classifier is asked.
        """
        trace = trace_of(request.scope)
        wish = _wish(query, x_timeout_ms, request.headers.get("accept", ""))
        result = await pipeline.run(wish, _body(request), trace)
        return _answer(result, trace, request.scope["path"])

    async def arguments(request: Request) -> Mapping[str, Any]:
        await guard.predict(request)
        query = PredictQuery.model_validate(dict(request.query_params))
        headers = _Headers.model_validate(request.headers)
        return {"request": request, "query": query, "x_timeout_ms": headers.timeout_ms}

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


def _wish(query: PredictQuery, x_timeout_ms: int | None, accept: str) -> Wish:
    timeout_ms = query.timeout_ms or x_timeout_ms
    return Wish(
        model=query.model,
        version=query.version,
        top_k=query.top_k,
        class_maps=query.class_map,
        score_threshold=query.score_threshold,
        max_detections=query.max_detections,
        render=wants_picture(accept) if query.render is None else query.render,
        timeout_seconds=None if timeout_ms is None else timeout_ms / 1000,
    )


def _answer(result: Result | Batch, trace: Trace, path: str) -> Response:
    spent = timings(trace)
    headers = {"Server-Timing": ", ".join(f"{k};dur={ms}" for k, ms in spent.items())}
    if isinstance(result, Batch):
        told: Answer | BatchAnswer = BatchAnswer.of(result, path, spent, trace.request_id)
    elif result.picture is not None:
        return Response(result.picture, media_type=PNG, headers=headers)
    else:
        told = Answer.of(result, spent, trace.request_id)
    return Response(told.model_dump_json(exclude_none=True), media_type=JSON, headers=headers)


def _body(request: Request) -> Body:
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
