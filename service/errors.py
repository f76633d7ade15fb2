"""Every way a request can fail, and the one function that answers with it (RFC 9457).

GatewayError
├── UnknownParameter        400  a query parameter that does not exist
├── ModelNotNamed           400  no `model=`, and not exactly one to choose from
├── MalformedUpload         400  a form or a JSON body that no image can be read out of
├── Unauthenticated         401  no API key where one is needed, or one that is not known
├── ModelControlOff         403  models may not be loaded and unloaded through this gateway
├── ForeignOrigin           403  a web page of somebody else asks to load or unload
├── Forbidden               403  the API key lacks a scope
├── UnknownModel            404  Triton has no model of that name
├── UnknownVersion          404  the model is there, that version is not
├── BodyTimeout             408  the body arrived too slowly
├── ModelNotServable        409  the model carries no recipe that this gateway can follow
├── ModelNotLoaded          409  there is nothing to unload
├── BodyTooLarge            413  more bytes than `max_body_bytes`
├── ImageTooLarge           413  more pixels than `max_pixels`, or more memory to decode
├── TooManyImages           413  more images in one request than `max_images`
├── UnsupportedMediaType    415  neither image/*, multipart/form-data nor application/json
├── UnknownHost             421  the request names a host that this gateway does not answer for
├── InvalidParameter        422  a parameter whose value makes no sense
├── UnreadableImage         422  no image, a broken one, or a format that is not read
├── RateLimited             429  more requests than one caller may send
├── InternalError           500  a fault of ours; the log has the cause
├── InferenceFailed         502  Triton or the model failed at this request
├── UnexpectedOutput        502  the model's answer does not fit its recipe
├── LoadFailed              502  Triton could not load the model
├── Overloaded              503  the model or the gateway has as many predictions as it can take
├── QueueFull               503  Triton's queue for the model is full
├── BackendUnavailable      503  Triton cannot be reached or is stopping
├── ModelNotReady           503  the model is loading, was unloaded or failed to load
├── ModelBroken             503  the model says it is ready and fails at every request
├── NotReady                503  `/readyz`: this gateway should get no traffic now
├── LoadTimeout             504  a model took too long to load or unload
└── DeadlineExceeded        504  out of time; names the stage
"""
# ruff: noqa: N818 - the names read as what happened, and become the problems' types

import http
import json
import re
import urllib.parse
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from starlette.responses import Response

from service.trace import Outcome, Stage, Trace

PROBLEM_JSON = "application/problem+json"
LONGEST_PATH = 200  # characters of a path that are repeated


class GatewayError(Exception):
    """A failure that is safe to show: ``detail`` goes to the caller, the cause to the log.

    ``field`` names what in the request was wrong, ``remedy`` what to do about it, ``members``
    are further members of the problem. An instance's own ``retry_after_seconds`` wins over its
    class's.
    """

    status: ClassVar[int]
    title: ClassVar[str]
    outcome: ClassVar[Outcome] = Outcome.CLIENT_ERROR
    remedy: ClassVar[str] = ""
    retry_after_seconds: int | None = None

    def __init__(
        self,
        detail: str,
        *,
        field: str = "",
        remedy: str = "",
        retry_after_seconds: int | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        if retry_after_seconds is not None:
            self.retry_after_seconds = retry_after_seconds
        optional = {"field": field, "remedy": remedy or self.remedy}
        self.members = {name: text for name, text in optional.items() if text} | members

    @classmethod
    def code(cls) -> str:
        """The class's name in the problem's type: UnknownModel is `unknown-model`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()

    def record(self, trace: Trace) -> None:
        """Write down in ``trace`` how it ended."""
        trace.outcome, trace.problem = self.outcome, self.code()
        trace.cause = str(self.__cause__ or self)

    def headers(self) -> dict[str, str]:
        """The header fields that the answer carries because of this failure."""
        after = self.retry_after_seconds
        return {} if after is None else {"Retry-After": str(after)}


class UnknownParameter(GatewayError):
    """A query parameter that does not exist."""

    status = 400
    title = "Unknown query parameter"


class ModelNotNamed(GatewayError):
    """No `model=`, and not exactly one to choose from."""

    status = 400
    title = "No model named"
    remedy = "add ?model=NAME with one of the names in `models`"


class MalformedUpload(GatewayError):
    """A form or a JSON body that no image can be read out of."""

    status = 400
    title = "Malformed upload"
    remedy = "send one part named `file`, as curl -F file=@photo.jpg does"


class Unauthenticated(GatewayError):
    """No API key where one is needed, or one that is not known."""

    status = 401
    title = "API key needed"
    remedy = "send a header `Authorization: Bearer KEY` or `X-API-Key: KEY`"

    def headers(self) -> dict[str, str]:
        """With the challenge that RFC 9110, section 15.5.2, demands."""
        return {**super().headers(), "WWW-Authenticate": 'Bearer realm="fovea"'}


class ModelControlOff(GatewayError):
    """Models may not be loaded and unloaded through this gateway."""

    status = 403
    title = "Model control off"
    remedy = "start the gateway with FOVEA_MODEL_CONTROL=true, where every caller is trusted"


class ForeignOrigin(GatewayError):
    """A web page of somebody else asks to load or unload."""

    status = 403
    title = "Foreign origin"
    remedy = "ask from a program, or from a page of this gateway"


class Forbidden(GatewayError):
    """The API key lacks ``scope``."""

    status = 403
    title = "Scope missing"

    def __init__(self, detail: str, scope: str) -> None:
        super().__init__(detail, remedy=f"use a key with the scope {scope!r}", scope=scope)
        self._scope = scope

    def headers(self) -> dict[str, str]:
        """With the challenge of RFC 6750, section 3.1."""
        challenge = f'Bearer realm="fovea", error="insufficient_scope", scope="{self._scope}"'
        return {**super().headers(), "WWW-Authenticate": challenge}


class UnknownModel(GatewayError):
    """Triton has no model of that name."""

    status = 404
    title = "Unknown model"
    remedy = "use one of the names in `models`"


class UnknownVersion(GatewayError):
    """The model is there, that version is not."""

    status = 404
    title = "Unknown model version"
    remedy = "use one of `versions`, or leave `version` out for the newest"


class BodyTimeout(GatewayError):
    """The body arrived too slowly."""

    status = 408
    title = "Body too slow"
    remedy = "send a smaller image or use a faster connection"


class ModelNotServable(GatewayError):
    """The model carries no recipe that this gateway can follow."""

    status = 409
    title = "Model not servable"
    remedy = "export the model with a recipe in its config.pbtxt"


class ModelNotLoaded(GatewayError):
    """There is nothing to unload."""

    status = 409
    title = "Model not loaded"


class BodyTooLarge(GatewayError):
    """More bytes than `max_body_bytes`."""

    status = 413
    title = "Body too large"
    remedy = "send a smaller file"


class ImageTooLarge(GatewayError):
    """More pixels than `max_pixels`, a side over `max_side`, or more memory to decode."""

    status = 413
    title = "Image too large"
    remedy = "scale the image down; the model sees far fewer pixels"


class TooManyImages(GatewayError):
    """More images in one request than `max_images`."""

    status = 413
    title = "Too many images"
    remedy = "send them in several requests"


class UnsupportedMediaType(GatewayError):
    """Neither image/*, multipart/form-data nor application/json."""

    status = 415
    title = "Unsupported media type"
    remedy = "send the image's bytes with Content-Type: image/jpeg, a form with a file, or JSON"


class UnknownHost(GatewayError):
    """The request names a host that this gateway does not answer for."""

    status = 421
    title = "Unknown host"
    remedy = "use the gateway's own address, or add the name to FOVEA_ALLOWED_HOSTS"


class InvalidParameter(GatewayError):
    """A parameter whose value makes no sense."""

    status = 422
    title = "Invalid parameter"


class UnreadableImage(GatewayError):
    """No image, a broken one, or a format that is not read."""

    status = 422
    title = "Unreadable image"
    remedy = "send a complete JPEG, PNG, WebP, AVIF, GIF, BMP or TIFF file"


class RateLimited(GatewayError):
    """More requests than one caller may send: ``quota`` in ``window_seconds``."""

    status = 429
    title = "Rate limit exceeded"
    remedy = "wait as long as Retry-After says"

    def __init__(
        self, detail: str, *, retry_after_seconds: int, quota: int, window_seconds: int
    ) -> None:
        super().__init__(detail, retry_after_seconds=retry_after_seconds)
        self._policy = f'"caller";q={quota};w={window_seconds}'

    def headers(self) -> dict[str, str]:
        """With the fields of draft-ietf-httpapi-ratelimit-headers-10."""
        left = f'"caller";r=0;t={self.retry_after_seconds}'
        return {**super().headers(), "RateLimit-Policy": self._policy, "RateLimit": left}


class InternalError(GatewayError):
    """A fault of ours; the log has the cause."""

    status = 500
    title = "Internal error"
    outcome = Outcome.ERROR


class InferenceFailed(GatewayError):
    """Triton or the model failed at this request."""

    status = 502
    title = "Inference failed"
    outcome = Outcome.ERROR


class UnexpectedOutput(GatewayError):
    """The model's answer does not fit its recipe."""

    status = 502
    title = "Unexpected model output"
    outcome = Outcome.ERROR


class LoadFailed(GatewayError):
    """Triton could not load the model; one that was loaded before still answers."""

    status = 502
    title = "Model could not be loaded"
    outcome = Outcome.ERROR
    remedy = "export the model anew; Triton's log has the whole story"


class Overloaded(GatewayError):
    """The model or the gateway has as many predictions as it can take."""

    status = 503
    title = "Gateway overloaded"
    outcome = Outcome.OVERLOADED
    retry_after_seconds = 1


class QueueFull(GatewayError):
    """Triton's queue for the model is full."""

    status = 503
    title = "Model queue full"
    outcome = Outcome.OVERLOADED
    retry_after_seconds = 1


class BackendUnavailable(GatewayError):
    """Triton cannot be reached or is stopping."""

    status = 503
    title = "Inference server unavailable"
    outcome = Outcome.UNAVAILABLE
    retry_after_seconds = 2


class ModelNotReady(GatewayError):
    """The model is loading, was unloaded or failed to load."""

    status = 503
    title = "Model not ready"
    outcome = Outcome.UNAVAILABLE
    retry_after_seconds = 2


class ModelBroken(GatewayError):
    """The model says it is ready and fails at every request."""

    status = 503
    title = "Model broken"
    outcome = Outcome.UNAVAILABLE
    remedy = "see Triton's log, then load the model anew or start Triton again"
    retry_after_seconds = 2


class NotReady(GatewayError):
    """This gateway should get no traffic now."""

    status = 503
    title = "Not ready"
    outcome = Outcome.UNAVAILABLE
    retry_after_seconds = 2


class LoadTimeout(GatewayError):
    """A model took too long to load or unload; Triton may still be at it."""

    status = 504
    title = "Model not loaded in time"
    outcome = Outcome.DEADLINE
    remedy = "see GET /models/NAME in a while, or raise FOVEA_LOAD_TIMEOUT_SECONDS"


class DeadlineExceeded(GatewayError):
    """Out of time during ``stage``; ``seconds`` are those that each stage has taken."""

    status = 504
    title = "Deadline exceeded"
    outcome = Outcome.DEADLINE
    remedy = "try again later, or allow more time, up to FOVEA_TIMEOUT_SECONDS"

    def __init__(self, stage: Stage, seconds: Mapping[Stage, float] | None = None) -> None:
        detail = f"the time ran out during the stage {stage.value!r}"
        members: dict[str, Any] = {"stage": stage.value}
        if seconds:
            longest = max(seconds, key=seconds.__getitem__)
            members["longest_stage"] = longest.value
            members["stages_ms"] = {
                name.value: round(spent * 1000, 3) for name, spent in seconds.items()
            }
            spent_ms = round(seconds[longest] * 1000)
            detail += f"; the longest was {longest.value!r} with {spent_ms} ms"
        super().__init__(detail, **members)

    @classmethod
    def of(cls, trace: Trace) -> Self:
        """Out of time now; the stage under way ends."""
        stage = trace.stage or Stage.READ
        trace.enter(None)
        return cls(stage, trace.seconds)


def answer(error: GatewayError, path: str, request_id: str) -> Response:
    """The answer that tells ``error``, which happened at ``path``."""
    return _respond(problem(error, path, request_id), error.headers())


def problem(error: GatewayError, path: str, request_id: str) -> dict[str, Any]:
    """The problem document for ``error``."""
    return {
        "type": f"urn:fovea:problem:{error.code()}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "instance": _reference(path),
        **error.members,
        "request_id": request_id,
    }


def answer_status(
    status: int, path: str, request_id: str, headers: Mapping[str, str] | None
) -> Response:
    """The problem document for a bare HTTP status, such as the router's 404 and 405."""
    document = {
        "type": "about:blank",
        "title": http.HTTPStatus(status).phrase,
        "status": status,
        "instance": _reference(path),
        "request_id": request_id,
    }
    return _respond(document, headers or {})


def _reference(path: str) -> str:
    """``path`` as the URI reference that a problem's `instance` must be; cut where endless."""
    return urllib.parse.quote(path[:LONGEST_PATH])


def _respond(document: dict[str, Any], headers: Mapping[str, str]) -> Response:
    content = json.dumps(document, ensure_ascii=False)
    return Response(content, document["status"], media_type=PROBLEM_JSON, headers=headers)
