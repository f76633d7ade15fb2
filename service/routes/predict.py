"""POST /predict: an image in, a prediction out."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.types import Receive

from service.accept import JSON, PNG, wants_picture
from service.guard import Guard
from service.middleware import trace_of
from service.pipeline import Pipeline
from service.schemas import Answer, BatchAnswer, problems, timings
from service.slot import Batch
from service.steps.encoded import EncodedImages
from service.steps.read import FORM
from service.trace import Trace
from service.values import Body, Result, Wish

LONGEST_TIMEOUT_MS = 3_600_000
BINARY = {"type": "string", "format": "binary"}
FORM_SCHEMA = {
    "type": "object",
    "properties": {"file": {"type": "array", "items": BINARY, "minItems": 1}},
    "required": ["file"],
}
REQUEST_BODY = {
    "required": True,
    "description": "the image's bytes; a form with parts named `file`; or base64 in JSON. Several "
    "files, or `images`, are answered with a list",
    "content": {
        "image/*": {"schema": BINARY},
        FORM: {"schema": FORM_SCHEMA},
        JSON: {
            "schema": EncodedImages.model_json_schema(),
            "examples": {
                "one": {"value": {"image": "/9j/4AAQSkZJRgABAQ…"}},
                "several": {"value": {"images": ["/9j/4AAQ…", "data:image/png;base64,iVBORw0K…"]}},
            },
        },
    },
}
PICTURE = {
    "description": "what was found; as a picture with `Accept: image/png` or `render=true`",
    "content": {PNG: {"schema": BINARY}},
}
PROBLEMS = problems(
    {
        400: "a query parameter is unknown, no model is named, or the form or JSON is malformed",
        401: "no API key, where one is needed",
        403: "the API key lacks the scope `predict`",
        404: "no such model or version; the problem lists those there are",
        408: "the body arrived too slowly",
        409: "the model carries no recipe that this gateway can follow",
        413: "more bytes, pixels or images than allowed",
        415: "neither image/*, multipart/form-data nor application/json",
        421: "not a host of this gateway",
        422: "a parameter makes no sense, or the body is no readable image",
        429: "more predictions than one caller may ask for; see Retry-After",
        500: "a fault of the gateway",
        502: "the model failed or answered in an unexpected shape",
        503: "overloaded, or Triton or the model is not there; see Retry-After",
        504: "out of time; `stage` names where, `longest_stage` what took most of it",
    }
)


class PredictQuery(BaseModel):
    """The query parameters; others are refused."""

    model_config = ConfigDict(extra="forbid")

    model: str | None = Field(
        None, max_length=128, description="may be left out where one model is served"
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


def router(pipeline: Pipeline, guard: Guard) -> APIRouter:
    """The route over ``pipeline``."""
    routes = APIRouter(tags=["prediction"], dependencies=[Depends(guard.predict)])

    @routes.post(
        "/predict",
        response_model=Answer | BatchAnswer,
        responses={200: PICTURE, **PROBLEMS},
        openapi_extra={"requestBody": REQUEST_BODY},
    )
    async def predict(
        request: Request,
        query: Annotated[PredictQuery, Query()],
        x_timeout_ms: TimeoutHeader = None,
    ) -> Response:
        """Decode the image, run the model, name what it saw."""
        trace = trace_of(request.scope)
        wish = _wish(query, x_timeout_ms, request.headers.get("accept", ""))
        result = await pipeline.run(wish, _body(request), trace)
        return _answer(result, trace, request.url.path)

    return routes


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
