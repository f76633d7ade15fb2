"""How long requests for predictions take, and how they end."""

from collections.abc import Sequence

from service.instruments import Instruments
from service.trace import Stage, Trace

SHORTEST_SECONDS = 0.0001
IMAGES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


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


class RequestMetrics:
    """How long requests for predictions take, and how they end."""

    def __init__(self, make: Instruments, edges: Sequence[float]) -> None:
        self._seconds = make.histogram(
            "fovea_request_seconds",
            "Time of a prediction from its headers to the end of its answer",
            "model version outcome",
            edges,
        )
        self._stages = make.histogram(
            "fovea_stage_seconds",
            "Time of one step of a prediction; in a batch, for each image",
            "model version outcome stage",
            edges,
        )
        self._images = make.histogram(
            "fovea_request_images", "Images of a request that was read", "model", IMAGES
        )
        self.problems = make.counter(
            "fovea_problems_total", "Problems answered, those of a batch's images too", "problem"
        )

    def observe(self, trace: Trace, seconds: float) -> None:
        """Count a request, whatever became of it."""
        known = {"trace_id": trace.context.trace_id} if trace.context.sampled else None
        self._seconds(trace.model, trace.version, trace.outcome).observe(seconds, known)
        images = len(trace.images) or int(Stage.DECODE in trace.began)
        if images:
            self._images(trace.model).observe(images)

    def observe_stages(self, trace: Trace) -> None:
        """Count the steps of one image, or of a request that is none."""
        model, version, outcome = trace.model, trace.version, trace.outcome
        for stage, spent in trace.seconds.items():
            self._stages(model, version, outcome, stage).observe(spent)
