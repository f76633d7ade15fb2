"""The record of one request's course: written by the steps, read by logs and metrics."""

import time
from dataclasses import dataclass, field
from enum import StrEnum


class Stage(StrEnum):
    """The timed steps of a prediction, in their order."""

    READ = "read"
    DECODE = "decode"  # includes waiting for a thread of the pool
    PREPROCESS = "preprocess"
    INFER = "infer"
    POSTPROCESS = "postprocess"
    DRAW = "draw"  # where a picture is asked for; includes waiting likewise


class Outcome(StrEnum):
    """How a request ended; a closed set, because it is a metric's label."""

    OK = "ok"
    CLIENT_ERROR = "client_error"
    OVERLOADED = "overloaded"
    UNAVAILABLE = "unavailable"
    DEADLINE = "deadline"
    CANCELLED = "cancelled"
    ERROR = "error"


@dataclass(slots=True)
class Trace:
    """What is known of one request so far.

    Stages follow each other without gaps, so their times add up to the prediction's.
    """

    request_id: str
    started: float = field(default_factory=time.perf_counter)
    model: str = ""  # only ever a name or version that Triton knows, never the caller's words
    version: str = ""
    outcome: Outcome = Outcome.OK
    cause: str = ""  # of a failure; for the log alone
    detections: int | None = None  # how many a detector found
    stage: Stage | None = None  # the one under way
    seconds: dict[Stage, float] = field(default_factory=dict)
    _entered: float = 0.0

    def enter(self, stage: Stage | None, at: float | None = None) -> None:
        """End the stage under way and begin ``stage``, now or at ``at`` of perf_counter."""
        now = time.perf_counter() if at is None else at
        if self.stage is not None:
            self.seconds[self.stage] = now - self._entered
        self.stage, self._entered = stage, now

    def elapsed_seconds(self) -> float:
        """Seconds since the request arrived."""
        return time.perf_counter() - self.started
