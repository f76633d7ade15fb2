"""Every series the gateway exports, with its labels, in one registry."""

from collections.abc import Callable

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from service.trace import Trace

SHORTEST_SECONDS = 0.0001
DETECTIONS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500)  # edges of buckets


def buckets(timeout_seconds: float) -> list[float]:
    """Edges that double from 0.1 ms to the timeout, and one just past it.

    A request that ran out of time is answered shortly after its deadline: that answer too falls
    into a bucket with an end.
    """
    edges = []
    edge = SHORTEST_SECONDS
    while edge < timeout_seconds:
        edges.append(edge)
        edge *= 2
    return [*edges, timeout_seconds, timeout_seconds * 1.25]


class Metrics:
    """The instruments; models and versions are Triton's names, outcomes and stages are enums."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, timeout_seconds: float) -> None:
        self._registry = CollectorRegistry()
        edges = buckets(timeout_seconds)
        self._stages = Histogram(
            "fovea_stage_seconds",
            "Time of one step of a prediction",
            ["model", "stage"],
            buckets=edges,
            registry=self._registry,
        )
        self._requests = Histogram(
            "fovea_request_seconds",
            "Time of a prediction from its headers to the end of its answer",
            ["model", "version", "outcome"],
            buckets=edges,
            registry=self._registry,
        )
        self._detections = Histogram(
            "fovea_detections",
            "Objects that a detector's answer names",
            ["model"],
            buckets=DETECTIONS,
            registry=self._registry,
        )
        self.in_flight = Gauge("fovea_in_flight", "Predictions under way", registry=self._registry)
        self._models = Gauge("fovea_models", "Models that can be asked", registry=self._registry)
        ProcessCollector(registry=self._registry)

    def watch_models(self, count: Callable[[], int]) -> None:
        """Ask ``count`` for the number of servable models at each scrape."""
        self._models.set_function(count)

    def observe(self, trace: Trace, seconds: float) -> None:
        """Count one finished prediction, successful or not."""
        for stage, spent in trace.seconds.items():
            self._stages.labels(trace.model, stage.value).observe(spent)
        if trace.detections is not None:
            self._detections.labels(trace.model).observe(trace.detections)
        self._requests.labels(trace.model, trace.version, trace.outcome.value).observe(seconds)

    def render(self) -> bytes:
        """The exposition text."""
        return generate_latest(self._registry)
