"""Every series the gateway exports, with its labels; docs/metrics.md explains them one by one."""

import asyncio
from functools import partial

from service.cache import Cache
from service.catalog import Catalog
from service.instruments import Instruments
from service.limiter import Limiters
from service.metrics.images import ImageMetrics
from service.metrics.load import LoadMetrics
from service.metrics.requests import RequestMetrics, buckets
from service.metrics.routing import CacheMetrics, RoutingMetrics, ShadowMetrics
from service.metrics.triton import TritonMetrics
from service.settings import shared_folder
from service.trace import Trace

SAMPLE_SECONDS = 1.0  # between two looks of a worker at its own load, for the others to show

__all__ = ["Metrics", "buckets"]


class Metrics:
    """Everything that is counted and shown.

    Labels are Triton's names of models and versions, addresses of the settings, or of closed sets.
    """

    def __init__(self, timeout_seconds: float) -> None:
        self._instruments = Instruments(shared_folder())
        self._requests = RequestMetrics(self._instruments, buckets(timeout_seconds))
        self._images = ImageMetrics(self._instruments)
        self._routing = RoutingMetrics(self._instruments)
        self._load = LoadMetrics(self._instruments)
        self.triton = TritonMetrics(self._instruments)
        self.shadows = ShadowMetrics(self._instruments)

    def observe(self, trace: Trace, seconds: float) -> None:
        """Count one request for a prediction, whatever became of it, and its images."""
        self._requests.observe(trace, seconds)
        for one in (trace, *trace.images):
            self._requests.observe_stages(one)
            self._images.observe(one)
        for one in trace.images or (trace,):
            self._routing.observe(one)

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

    def watch_cache(self, cache: Cache) -> None:
        """Show how full it is."""
        sizes = CacheMetrics(self._instruments)
        self._load.samplers.append(partial(sizes.sample, cache))

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
