"""mosec: a Rust front, Python workers that take whole batches, a capacity that refuses the rest.

Its guide puts CPU work before a GPU in a stage of its own. Here all work is on the CPU, and one
stage with a worker a core keeps both cores busy whatever the share of decoding.
"""

import os

import numpy as np
from mosec import Server, Worker
from numpy.typing import NDArray

from benchmarks.alternatives.image import pixels
from benchmarks.alternatives.network import (
    BATCH,
    BATCH_WAIT_SECONDS,
    IN_FLIGHT,
    WORKERS,
    load,
    port,
)


class Classifier(Worker):
    """One process."""

    def __init__(self) -> None:
        super().__init__()
        self.network = load()

    def deserialize(self, data: bytes) -> NDArray[np.uint8]:
        """The body of one request."""
        return pixels(data)

    def forward(self, data: list[NDArray[np.uint8]]) -> list[list[float]]:
        """A batch."""
        rows: list[list[float]] = self.network(np.stack(data)).tolist()
        return rows


if __name__ == "__main__":
    os.environ |= {
        "MOSEC_ADDRESS": "127.0.0.1",
        "MOSEC_PORT": str(port()),
        "MOSEC_CAPACITY": str(IN_FLIGHT),
        "MOSEC_LOG_LEVEL": "warning",
    }
    server = Server()
    server.append_worker(
        Classifier,
        num=WORKERS,
        max_batch_size=BATCH,
        max_wait_time=round(1000 * BATCH_WAIT_SECONDS),
        route="/predict",
    )
    server.run()
