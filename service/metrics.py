"""Every series the gateway exports, with its labels; docs/metrics.md explains them one by one."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from service.build import build
from service.catalog import Catalog
from service.instruments import Instruments
from service.limiter import Limiters
from service.looks import Looks
from service.settings import shared_folder
from service.trace import Stage, Trace

SAMPLE_SECONDS = 1.0  # between two looks of a worker at its own load, for the others to show

# Edges of buckets.
SHORTEST_SECONDS = 0.0001
IMAGES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
DETECTIONS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500)
SHARES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
MEGAPIXELS = (0.01, 0.03, 0.1, 0.3, 1, 2, 4, 8, 16, 32, 64)
BYTES = (1e3, 3e3, 1e4, 3e4, 1e5, 3e5, 1e6, 3e6, 1e7, 3e7)
RATIOS = (0.25, 0.5, 0.61, 0.71, 0.87, 1.15, 1.41, 1.64, 2, 4)  # between 9:16, 2:3, 3:4, 1, 4:3, …


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
    """Everything that is counted and shown.

    Labels are Triton's names of models and versions, addresses of the settings, or of closed sets.
    """

    def __init__(self, timeout_seconds: float) -> None:
        self._instruments = Instruments(shared_folder())
        self._requests = _Requests(self._instruments, buckets(timeout_seconds))
        self._images = _Images(self._instruments)
        self._load = _Load(self._instruments)
        self.triton = TritonMetrics(self._instruments)

    def observe(self, trace: Trace, seconds: float) -> None:
        """Count one request for a prediction, whatever became of it, and its images."""
        self._requests.observe(trace, seconds)
        for one in (trace, *trace.images):
            self._requests.observe_stages(one)
            self._images.observe(one)

    def count_problems(self, trace: Trace) -> None:
        """Count what a request of any kind was told to have failed, and of a batch its images."""
        for one in (trace, *trace.images):
            if one.problem:
                self._requests.problems(one.problem).inc()

    def watch_limiters(self, limiters: Limiters) -> None:
        """Show how busy the models are."""
        self._load.samplers.append(partial(self._load.sample_limiters, limiters))

    def watch_catalog(self, catalog: Catalog) -> None:
        """Show how many models there are, and since when that is known."""
        self._load.samplers.append(partial(self._load.sample_catalog, catalog))

    def sample(self) -> None:
        """Look at what is watched; on the event loop, where it changes."""
        for sample in self._load.samplers:
            sample()

    async def keep_sampled(self) -> None:
        """Sample for other workers to show, until cancelled; one that is alone need not."""
        if not self._instruments.shared:
            return
        try:
            while True:
                self.sample()
                await asyncio.sleep(SAMPLE_SECONDS)
        finally:
            self.sample()  # what was counted since: nobody asks this worker any more

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """The exposition as of the last sample, and its media type; on any thread."""
        return self._instruments.render(accept)


class _Requests:
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
        known = {"trace_id": trace.context.trace_id} if trace.context.sampled else None
        self._seconds(trace.model, trace.version, trace.outcome).observe(seconds, known)
        images = len(trace.images) or int(Stage.DECODE in trace.began)
        if images:
            self._images(trace.model).observe(images)

    def observe_stages(self, trace: Trace) -> None:
        model, version, outcome = trace.model, trace.version, trace.outcome
        for stage, spent in trace.seconds.items():
            self._stages(model, version, outcome, stage).observe(spent)


class _Images:
    """What images are like, and what models see in them: where these shift, inputs have drifted."""

    def __init__(self, make: Instruments) -> None:
        self._megapixels = make.histogram(
            "fovea_image_megapixels", "Millions of pixels of an image", "model", MEGAPIXELS
        )
        self._bytes = make.histogram("fovea_image_bytes", "Bytes of a file", "model", BYTES)
        self._ratios = make.histogram(
            "fovea_image_aspect_ratio", "Width over height of an image", "model", RATIOS
        )
        self._brightness = make.histogram(
            "fovea_image_brightness", "Mean level of a model's input, 0 to 1", "model", SHARES
        )
        self._formats = make.counter(
            "fovea_image_formats_total", "Images by the format of their file", "model format"
        )
        self._scores = make.histogram(
            "fovea_top_score", "Score of an image's best label or object", "model version", SHARES
        )
        self._detections = make.histogram(
            "fovea_detections", "Objects that a detector's answer names", "model", DETECTIONS
        )

    def observe(self, trace: Trace) -> None:
        if trace.looks is not None:
            self._observe_looks(trace.model, trace.looks)
        if trace.top_score is not None:
            self._scores(trace.model, trace.version).observe(trace.top_score)
        if trace.detections is not None:
            self._detections(trace.model).observe(trace.detections)

    def _observe_looks(self, model: str, looks: Looks) -> None:
        self._megapixels(model).observe(looks.megapixels)
        self._bytes(model).observe(looks.size_bytes)
        self._ratios(model).observe(looks.aspect_ratio)
        self._brightness(model).observe(looks.brightness)
        self._formats(model, looks.kind).inc()


class TritonMetrics:
    """What the Triton client tells: a `service.triton.watcher.Watcher`."""

    def __init__(self, make: Instruments) -> None:
        self._retries = make.counter(
            "fovea_retries_total", "Inferences that were tried again", "fault"
        )
        self._retries_refused = make.counter(
            "fovea_retries_refused_total", "Retries that the budget of them did not allow", "fault"
        )
        self._canaries = make.counter(
            "fovea_canaries_total",
            "Inferences that nobody asked for, to see whether a model works",
            "endpoint model result",
        )
        self._health = make.switch(
            "fovea_endpoint_health", "1 for the state that a Triton is in", "endpoint health"
        )
        self._breakers = make.switch(
            "fovea_breaker_state", "1 for the state of a circuit breaker", "endpoint model state"
        )

    def retried(self, fault: str) -> None:
        """A request that ended in ``fault`` is asked again."""
        self._retries(fault).inc()

    def retry_refused(self, fault: str) -> None:
        """It would have been, but the budget of retries is used up."""
        self._retries_refused(fault).inc()

    def tried_out(self, endpoint: str, model: str, result: str) -> None:
        """A sample was tried on ``model``: `ok`, or the fault it ended in."""
        self._canaries(endpoint, model, result).inc()

    def endpoint_changed(self, endpoint: str, health: str) -> None:
        """``endpoint`` is now ``health``."""
        self._health(endpoint, health)

    def breaker_changed(self, endpoint: str, model: str, state: str) -> None:
        """The breaker of ``model`` at ``endpoint`` is now ``state``."""
        self._breakers(endpoint, model, state)


class _Load:
    """How busy the gateway is, what it can serve, and which build it is."""

    def __init__(self, make: Instruments) -> None:
        self.samplers: list[Callable[[], None]] = []
        self._present = make.gauge(
            "fovea_present", "Predictions that upload, wait or run", together="livesum"
        )()
        self._in_flight = make.gauge(
            "fovea_in_flight", "Predictions that run", "model", together="livesum"
        )
        self._limit = make.gauge(
            "fovea_in_flight_limit", "Predictions that may run at once", "model", together="livesum"
        )
        self._queued = make.gauge(
            "fovea_queued", "Predictions that wait for a model", "model", together="livesum"
        )
        self._shed = make.counter("fovea_shed_total", "Predictions refused: overload", "model")
        self._shed_before: dict[str, int] = {}
        self._models = make.gauge("fovea_models", "Models that can be asked")()
        self._catalog_age = make.gauge(
            "fovea_catalog_age_seconds", "Time since Triton last said which models it has"
        )()
        made = build()
        builds = make.gauge("fovea_build_info", "1 for what runs", "version python commit")
        builds(made.version, made.python, made.commit).set(1)

    def sample_limiters(self, limiters: Limiters) -> None:
        self._present.set(limiters.present)
        for model, limiter in limiters.by_model.items():
            self._in_flight(model).set(limiter.in_flight)
            self._limit(model).set(limiter.limit)
            self._queued(model).set(limiter.queued)
            self._shed(model).inc(limiter.shed - self._shed_before.get(model, 0))
            self._shed_before[model] = limiter.shed

    def sample_catalog(self, catalog: Catalog) -> None:
        self._models.set(len(catalog.servable()))
        self._catalog_age.set(catalog.age_seconds())
