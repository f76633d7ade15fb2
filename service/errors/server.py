"""The servers, this gateway and Triton: too busy, away, too late or at fault."""
# ruff: noqa: N818 - the names read as what happened, and become the problems' types

from collections.abc import Mapping
from typing import Any, Self

from service.errors.base import GatewayError
from service.trace import Outcome, Stage, Trace


class InternalError(GatewayError):
    """A fault of ours; the log has the cause."""

    status = 500
    title = "Internal error"
    outcome = Outcome.ERROR


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


class NotReady(GatewayError):
    """This gateway should get no traffic now."""

    status = 503
    title = "Not ready"
    outcome = Outcome.UNAVAILABLE
    retry_after_seconds = 2


class DeadlineExceeded(GatewayError):
    """Out of time during ``stage``; ``stages_ms`` tells what each stage has taken."""

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
