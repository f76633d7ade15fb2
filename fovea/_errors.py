"""Every way a call can fail, by what a caller would do about it.

FoveaError
├── ProblemError              the gateway, or a proxy in front of it, said no (RFC 9457)
│   ├── BadRequest            400 405 413 415 421 422   correct the request
│   │   └── BadImage          413 422   this file will never be taken: go on with the next
│   ├── AuthError             401 403   use another API key
│   ├── NotFound              404       name another model or version
│   ├── Conflict              409       change the model's state or its recipe first
│   ├── RateLimited           429       ask less often; `retry_after` says when again
│   ├── Unavailable           503       try again later
│   │   └── Overloaded        503       likewise, with fewer at once
│   ├── DeadlineExceeded      408 504   allow more time
│   └── ServerError           500 502   report `request_id`
├── TransportError            no answer came
│   ├── ConnectError          the gateway was not reached; nothing was sent
│   ├── ConnectionLost        the connection broke; the request may have been carried out
│   └── AnswerTimeout         silence for longer than the timeout; likewise
└── UnexpectedAnswer          an answer, but not one that a Fovea gateway gives
"""
# ruff: noqa: N818 - the names read as what happened, as httpx's do

import dataclasses
import http
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PREFIX = "urn:fovea:problem:"
BARE = "about:blank"  # RFC 9457's type of a problem that is no more than its status


class FoveaError(Exception):
    """Whatever a call of this package may raise, but for wrong arguments and unreadable files."""


@dataclass(eq=False)
class ProblemError(FoveaError):
    """A refusal, as the gateway's problem+json tells it.

    ``type`` is ``urn:fovea:problem:…``, or ``about:blank`` where the status says it all.
    ``field`` names what in the request was wrong, ``remedy`` what to do about it; both are empty
    where nothing was said. ``retry_after`` is in seconds. ``members`` are the problem's others,
    such as ``models``.
    """

    type: str
    title: str
    status: int
    detail: str = ""
    field: str = ""
    remedy: str = ""
    retry_after: float | None = None
    request_id: str = ""
    members: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(
        cls, document: Mapping[str, Any], status: int, retry_after: float | None = None
    ) -> "ProblemError":
        """The error of the class that ``document``, or else ``status``, calls for."""
        members = dict(document)
        told = {name: members.pop(name, None) for name in _TEXTS}
        texts = {name: text if isinstance(text, str) else "" for name, text in told.items()}
        texts["type"] = texts["type"] or BARE
        texts["title"] = texts["title"] or _phrase(status)
        members.pop("status", None)
        kind = _KINDS.get(texts["type"].removeprefix(PREFIX)) or _by_status(status)
        return kind(status=status, retry_after=retry_after, members=members, **texts)

    @property
    def code(self) -> str:
        """The end of the gateway's ``type``, such as ``unknown-model``; else the whole of it."""
        return self.type.removeprefix(PREFIX)

    def __str__(self) -> str:
        """What went wrong, what to do about it, and what to look for in the gateway's log."""
        parts = [self.detail or self.title, self.remedy]
        parts.append(f"{self.status} {self.code}")
        parts.append(self.request_id and f"request {self.request_id}")
        return "; ".join(filter(None, parts))

    def __reduce__(self) -> tuple[Any, ...]:
        """All fields, however they were given, so that it survives a process pool."""
        return type(self), tuple(getattr(self, one.name) for one in dataclasses.fields(self))


class BadRequest(ProblemError):
    """The request makes no sense to the gateway, or asks for more than it gives."""


class BadImage(BadRequest):
    """What was uploaded is no image that the gateway reads, or is too large."""


class AuthError(ProblemError):
    """No API key, an unknown one, or one that may not do this."""


class NotFound(ProblemError):
    """No such model, or no such version of it."""


class Conflict(ProblemError):
    """The model cannot do that in the state in which it is."""


class RateLimited(ProblemError):
    """This caller has asked more often than it may."""


class Unavailable(ProblemError):
    """The gateway, its Triton or the model is not there at the moment."""


class Overloaded(Unavailable):
    """The gateway or the model has as much as it can take."""


class DeadlineExceeded(ProblemError):
    """The gateway gave up when the time was over; ``members`` may name the ``stage``."""


class ServerError(ProblemError):
    """A fault of the gateway, of Triton or of the model."""


class TransportError(FoveaError):
    """No answer came; ``__cause__`` is httpx's error."""


class ConnectError(TransportError):
    """The gateway was not reached, so nothing was sent."""


class ConnectionLost(TransportError):
    """The connection broke before the answer was there; the gateway may have done its work."""


class AnswerTimeout(TransportError):
    """Nothing was heard for longer than the timeout; the gateway may still be at work."""


class UnexpectedAnswer(FoveaError):
    """An answer that this client cannot read: of another program, or of another age."""


_TEXTS = ("type", "title", "detail", "field", "remedy", "request_id")
# Where the problem's type says more than its status.
_KINDS: dict[str, type[ProblemError]] = {
    "body-too-large": BadImage,
    "image-too-large": BadImage,
    "unreadable-image": BadImage,
    "overloaded": Overloaded,
    "queue-full": Overloaded,
}
_STATUSES: dict[int, type[ProblemError]] = {
    401: AuthError,
    403: AuthError,
    404: NotFound,
    408: DeadlineExceeded,
    409: Conflict,
    429: RateLimited,
    503: Unavailable,
    504: DeadlineExceeded,
}


def _by_status(status: int) -> type[ProblemError]:
    """The class for ``status``; one that is not known counts as x00 of its hundred does."""
    if status in _STATUSES:
        return _STATUSES[status]
    return {4: BadRequest, 5: ServerError}.get(status // 100, ProblemError)


def _phrase(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "Unknown status"
