"""Ray Serve with `@serve.batch`, a replica a core, and the switches of its high-throughput guide.

The switches are in the environment (see catalogue.py): HAProxy in place of the Python proxy, and
RAY_SERVE_THROUGHPUT_OPTIMIZED. What waits is bounded by `max_queued_requests`.
"""

import asyncio
import signal
import threading

import numpy as np
import ray
from ray import serve
from starlette.requests import Request

from benchmarks.alternatives.image import pixels
from benchmarks.alternatives.network import (
    BATCH,
    BATCH_WAIT_SECONDS,
    IN_FLIGHT,
    WORKERS,
    load,
    port,
)

OBJECT_STORE_BYTES = 128 * 2**20  # nothing large is put there


@serve.deployment(
    num_replicas=WORKERS,
    max_ongoing_requests=2 * BATCH,  # one batch running, one forming
    max_queued_requests=IN_FLIGHT,
    ray_actor_options={"num_cpus": 1},
)
class Classifier:
    """One replica."""

    def __init__(self) -> None:
        self.network = load()

    @serve.batch(max_batch_size=BATCH, batch_wait_timeout_s=BATCH_WAIT_SECONDS)
    async def classify(self, jpegs: list[bytes]) -> list[list[float]]:
        """A batch, on a thread, so that the next one can form."""
        return await asyncio.to_thread(self._run, jpegs)

    def _run(self, jpegs: list[bytes]) -> list[list[float]]:
        rows: list[list[float]] = self.network(np.stack([pixels(one) for one in jpegs])).tolist()
        return rows

    async def __call__(self, request: Request) -> list[float]:
        """One request."""
        scores: list[float] = await self.classify(await request.body())
        return scores


if __name__ == "__main__":
    ray.init(
        num_cpus=WORKERS,
        _node_ip_address="127.0.0.1",
        include_dashboard=False,
        object_store_memory=OBJECT_STORE_BYTES,
        log_to_driver=False,
    )
    serve.start(http_options={"host": "127.0.0.1", "port": port()})
    application = Classifier.bind()  # type: ignore[attr-defined]  # the decorator's
    serve.run(application, route_prefix="/predict")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    stop.wait()
    serve.shutdown()
    ray.shutdown()
