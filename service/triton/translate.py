"""Triton's failures in our words; what Triton itself says is never passed on."""

import re
from collections.abc import Mapping
from enum import StrEnum

import grpc

from service.errors import (
    BackendUnavailable,
    DeadlineExceeded,
    GatewayError,
    InferenceFailed,
    InvalidParameter,
    LoadFailed,
    LoadTimeout,
    ModelNotReady,
    QueueFull,
    UnknownModel,
)
from service.trace import Stage

WRAPPING = re.compile(
    r"^load failed for model '[^']*': (version \d+ is at \w+ state: )?"
    r"(Internal: TritonModelException: )?"
)
FOLDERS = re.compile(r"[^\s'\"=(]*/")  # of a path, which ends in the name that is kept
LONGEST_REASON = 300  # characters


class Fault(StrEnum):
    """What kept a call from being answered; a closed set, because it may be a metric's label."""

    UNREACHABLE = "unreachable"  # no connection, or one that broke
    STOPPING = "stopping"
    GONE = "gone"  # the model, or the version
    FULL = "full"  # the queue
    EXPIRED = "expired"  # in the queue
    RESTRICTED = "restricted"
    LATE = "late"
    REFUSED = "refused"  # the tensor
    BROKEN = "broken"  # the model failed, or its process is dead
    OTHER = "other"  # nothing that another request need meet


class Refusal(Exception):  # noqa: N818 - what a server answered, not yet a failure of ours
    """A call that failed, as gRPC and Triton tell it; the cause of one of our errors."""

    def __init__(self, status: str, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status
        self.text = text
        self.fault = fault_of(status, text)

    @classmethod
    def of(cls, error: grpc.aio.AioRpcError) -> "Refusal":
        """The refusal that ``error`` tells of."""
        return cls(error.code().name, error.details() or "")


STATUSES = {
    "DEADLINE_EXCEEDED": Fault.LATE,
    "NOT_FOUND": Fault.GONE,
    "INVALID_ARGUMENT": Fault.REFUSED,
    "INTERNAL": Fault.BROKEN,
    "UNKNOWN": Fault.BROKEN,
}
# UNAVAILABLE means five things that only Triton's text tells apart; without any of these texts
# there was no Triton to say it.
UNAVAILABLE = {
    "maximum queue size": Fault.FULL,
    "timeout expired": Fault.EXPIRED,
    "protocol is restricted": Fault.RESTRICTED,
    "stopping": Fault.STOPPING,
    "Server not ready": Fault.STOPPING,
}
LOST = ("Stream removed", "RST_STREAM")  # gRPC's own words, under INTERNAL or UNKNOWN


def fault_of(status: str, text: str) -> Fault:
    """The kind of failure that a gRPC status and Triton's text tell of."""
    if status == "UNAVAILABLE":
        told = (fault for words, fault in UNAVAILABLE.items() if words in text)
        return next(told, Fault.UNREACHABLE)
    fault = STATUSES.get(status, Fault.OTHER)
    lost = fault is Fault.BROKEN and any(words in text for words in LOST)
    return Fault.UNREACHABLE if lost else fault


ERRORS: Mapping[Fault, tuple[type[GatewayError], str]] = {
    Fault.UNREACHABLE: (BackendUnavailable, "the inference server cannot be reached"),
    Fault.STOPPING: (BackendUnavailable, "the inference server is stopping"),
    # The catalogue had it a moment ago.
    Fault.GONE: (ModelNotReady, "the inference server no longer has this model ready"),
    Fault.FULL: (QueueFull, "the model's queue is full"),
    Fault.EXPIRED: (QueueFull, "the request waited too long in the model's queue"),
    Fault.RESTRICTED: (InferenceFailed, "the inference server does not let this gateway in"),
    Fault.REFUSED: (InferenceFailed, "the model refused the tensor that its recipe describes"),
    Fault.BROKEN: (InferenceFailed, "the model failed at this request"),
    Fault.OTHER: (InferenceFailed, "the model failed at this request"),
}


def translate(refusal: Refusal) -> GatewayError:
    """Our error for an inference, or a question about models, that was refused."""
    if refusal.fault is Fault.LATE:
        return DeadlineExceeded(Stage.INFER)
    error, detail = ERRORS[refusal.fault]
    return error(detail)


def translate_tensors(refusal: Refusal) -> GatewayError:
    """The same where the tensors are the caller's own, who may be at fault."""
    if refusal.fault is Fault.REFUSED:
        return InvalidParameter("the model's configuration does not allow this request")
    return translate(refusal)


def translate_load(name: str, refusal: Refusal) -> GatewayError:
    """The same for a load or unload of ``name``; of a model at fault the reason is passed on."""
    if refusal.fault is Fault.LATE:
        return LoadTimeout(f"the inference server is still at work on model {name!r}")
    if "is not allowed" in refusal.text:  # UNAVAILABLE too
        return LoadFailed("the inference server was started without explicit model control")
    if refusal.status == "UNAVAILABLE":
        return translate(refusal)
    if "failed to poll" in refusal.text:
        return UnknownModel(f"there is no model {name!r}")
    return LoadFailed(f"model {name!r}: {_reason(refusal.text)}")


def _reason(text: str) -> str:
    """The first line of why a model did not load, without Triton's wrapping and without paths."""
    line = text.strip().partition("\n")[0]
    return FOLDERS.sub("", WRAPPING.sub("", line))[:LONGEST_REASON].rstrip()
