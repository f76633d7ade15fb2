"""The record of one request's course: written by the steps, read by logs and metrics."""

import time
from dataclasses import dataclass, field
from enum import StrEnum

from service.decision import Routing
from service.looks import Looks
from service.traceparent import TraceContext, begin


class Stage(StrEnum):
    """The timed steps of a prediction, in their order."""

    READ = "read"
    QUEUE = "queue"  # until the model may take the image
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
    """What is known of one request so far, or of one image of a batch.

    Stages follow each other without gaps, so their times add up to the prediction's.
    """

    request_id: str
    context: TraceContext = field(default_factory=begin)
    started: float = field(default_factory=time.perf_counter)
    key: str = ""  # the name of the caller's API key, never the key
    model: str = ""  # only ever a name or version that Triton knows, never the caller's words
    version: str = ""
    routing: Routing | None = None  # once a model is chosen
    outcome: Outcome = Outcome.OK
    problem: str = ""  # of a failure: its type
    cause: str = ""  # for the log alone
    looks: Looks | None = None  # once it is decoded
    top_score: float | None = None  # of the best label or detection
    detections: int | None = None  # how many a detector found
    images: list["Trace"] = field(default_factory=list)  # of a batch, in its order
    stage: Stage | None = None  # the one under way
    seconds: dict[Stage, float] = field(default_factory=dict)
    began: dict[Stage, float] = field(default_factory=dict)  # on perf_counter

    def enter(self, stage: Stage | None, at: float | None = None) -> None:
        """End the stage under way and begin ``stage``, now or at ``at`` of perf_counter.

        A stage that is entered again goes on: its times add up, and it takes its place anew.
        """
        now = time.perf_counter() if at is None else at
        if self.stage is not None:
            before = self.seconds.pop(self.stage, 0.0)
            self.seconds[self.stage] = before + now - self.began[self.stage]
        self.stage = stage
        if stage is not None:
            self.began[stage] = now

    def begin_image(self) -> "Trace":
        """The record of one more image of this request, which is a batch."""
        own = Trace(self.request_id, self.context, model=self.model, version=self.version)
        if self.routing is not None:
            own.routing = self.routing.copy()
        self.images.append(own)
        return own

    def end(self) -> None:
        """End what is under way; an image that was not done shares the request's outcome."""
        self.enter(None)
        for image in self.images:
            if image.stage is not None:
                image.enter(None)
                image.outcome = self.outcome

    def elapsed_seconds(self) -> float:
        """Seconds since the request arrived."""
        return time.perf_counter() - self.started
