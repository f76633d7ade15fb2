"""POST /compare: one image, several models, and how far they agree."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from service import errors
from service.accept import JSON
from service.comparing import Comparing
from service.comparing.schema import ComparisonAnswer
from service.examples.bodies import ONE_IMAGE
from service.examples.comparison import COMPARISON, COMPARISON_PATH
from service.examples.names import CLASSIFIER, OTHER_CLASSIFIER
from service.guard import Guard
from service.middleware import trace_of
from service.openapi import KEYS, responses
from service.routes import predict
from service.routes.direct import DirectRoute
from service.routes.predict import LONGEST_TIMEOUT_MS, PredictHeaders, TimeoutHeader, body_of
from service.schemas import timings
from service.values import Wish

# The models are named, and none is chosen.
FAILURES = tuple(
    kind
    for kind in predict.FAILURES
    if kind not in (errors.ModelNotNamed, errors.TaskNotNamed, errors.BudgetTooSmall)
)


class CompareQuery(BaseModel):
    """The query parameters; others are refused."""

    model_config = ConfigDict(extra="forbid")

    models: str = Field(
        max_length=10_000,
        examples=[f"{CLASSIFIER},{OTHER_CLASSIFIER}"],
        description="names with commas between: of models, of their versions as `model@version`, "
        "and of routes of the routing file",
    )
    top_k: int | None = Field(
        None, ge=1, le=1_000_000, description="of classifiers: how many classes; all by default"
    )
    score_threshold: float | None = Field(
        None, ge=0, le=1, description="of detectors: leave out what scores no more; may only raise"
    )
    max_detections: int | None = Field(
        None, ge=1, le=1_000_000, description="of detectors: how many, best first; may only lower"
    )
    timeout_ms: int | None = Field(
        None,
        ge=1,
        le=LONGEST_TIMEOUT_MS,
        description="longest time to wait, upload included; never more than the gateway's own",
    )


def route(comparing: Comparing, guard: Guard) -> DirectRoute:
    """The route over ``comparing``."""

    async def compare(
        request: Request,
        query: Annotated[CompareQuery, Query()],
        x_timeout_ms: TimeoutHeader = None,
    ) -> Response:
        """Decode the image once, ask all models at the same time, tell how far they agree.

        A model that fails, or cannot be asked, is a problem in its place. Of a route, the target
        is asked that would answer now; nobody takes over from another, and nothing is cached.
        """
        trace = trace_of(request.scope)
        wish = _wish(query, x_timeout_ms)
        comparison = await comparing.run(query.models, wish, body_of(request), trace)
        spent = timings(trace)
        told = ComparisonAnswer.of(comparison, request.scope["path"], spent, trace.request_id)
        timing = ", ".join(f"{name};dur={ms}" for name, ms in spent.items())
        return Response(
            told.model_dump_json(exclude_none=True),
            media_type=JSON,
            headers={"Server-Timing": timing},
        )

    async def arguments(request: Request) -> Mapping[str, Any]:
        await guard.predict(request)
        query = CompareQuery.model_validate(dict(request.query_params))
        headers = PredictHeaders.model_validate(request.headers)
        return {"request": request, "query": query, "x_timeout_ms": headers.x_timeout_ms}

    return DirectRoute(
        COMPARISON_PATH,
        compare,
        arguments=arguments,
        methods=["POST"],
        operation_id="compare",
        tags=["prediction"],
        response_model=ComparisonAnswer,
        responses=responses(COMPARISON_PATH, *FAILURES, success=COMPARISON),
        openapi_extra={"requestBody": ONE_IMAGE, "security": KEYS},
    )


def _wish(query: CompareQuery, x_timeout_ms: int | None) -> Wish:
    timeout_ms = query.timeout_ms or x_timeout_ms
    return Wish(
        top_k=query.top_k,
        score_threshold=query.score_threshold,
        max_detections=query.max_detections,
        timeout_seconds=None if timeout_ms is None else timeout_ms / 1000,
    )
