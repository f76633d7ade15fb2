"""POST /predict: an image in, a prediction out."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from service.accept import JSON, PNG, wants_picture
from service.middleware import trace_of
from service.pipeline import Pipeline
from service.schemas import Answer, problems, timings
from service.steps.read import FORM
from service.values import Body, Wish

BINARY = {"type": "string", "format": "binary"}
FORM_SCHEMA = {"type": "object", "properties": {"file": BINARY}, "required": ["file"]}
REQUEST_BODY = {
    "required": True,
    "description": "the image's bytes, or a form with one part named `file`",
    "content": {"image/*": {"schema": BINARY}, FORM: {"schema": FORM_SCHEMA}},
}
PICTURE = {
    "description": "what was found; as a picture with `Accept: image/png` or `render=true`",
    "content": {PNG: {"schema": BINARY}},
}
PROBLEMS = problems(
    {
        400: "a query parameter is unknown, no model is named, or the form is malformed",
        404: "no such model or version; the problem lists those there are",
        408: "the body arrived too slowly",
        409: "the model carries no recipe that this gateway can follow",
        413: "more bytes or pixels than allowed",
        415: "neither image/* nor multipart/form-data",
        422: "a parameter makes no sense, or the body is no readable image",
        500: "a fault of the gateway",
        502: "the model failed or answered in an unexpected shape",
        503: "overloaded, or Triton or the model is not there; see Retry-After",
        504: "out of time; `stage` names where",
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


def router(pipeline: Pipeline) -> APIRouter:
    """The route over ``pipeline``."""
    routes = APIRouter(tags=["prediction"])

    @routes.post(
        "/predict",
        response_model=Answer,
        responses={200: PICTURE, **PROBLEMS},
        openapi_extra={"requestBody": REQUEST_BODY},
    )
    async def predict(request: Request, query: Annotated[PredictQuery, Query()]) -> Response:
        """Decode the image, run the model, name what it saw."""
        trace = trace_of(request.scope)
        accept = request.headers.get("accept", "")
        wish = Wish(
            model=query.model,
            version=query.version,
            top_k=query.top_k,
            class_maps=query.class_map,
            score_threshold=query.score_threshold,
            max_detections=query.max_detections,
            render=wants_picture(accept) if query.render is None else query.render,
        )
        result = await pipeline.run(wish, _body(request), trace)
        spent = timings(trace)
        headers = {"Server-Timing": ", ".join(f"{k};dur={ms}" for k, ms in spent.items())}
        if result.picture is not None:
            return Response(result.picture, media_type=PNG, headers=headers)
        answer = Answer.of(result, spent, trace.request_id)
        content = answer.model_dump_json(exclude_none=True)
        return Response(content, media_type=JSON, headers=headers)

    return routes


def _body(request: Request) -> Body:
    length = request.headers.get("content-length", "")
    return Body(
        chunks=request.stream(),
        content_type=request.headers.get("content-type", ""),
        content_length=int(length) if length.isascii() and length.isdigit() else None,
    )
