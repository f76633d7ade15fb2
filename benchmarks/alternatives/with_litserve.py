"""LitServe, as its reference advises: a worker a core on CPUs, `fast_queue` over 100 requests/s.

The number of HTTP processes stays at its default, which the reference recommends: one a worker.
"""

from typing import Annotated

import litserve as ls
import numpy as np
from fastapi import Body
from numpy.typing import NDArray

from benchmarks.alternatives.image import pixels
from benchmarks.alternatives.network import BATCH, BATCH_WAIT_SECONDS, WORKERS, load, port

Jpeg = Annotated[bytes, Body(media_type="image/jpeg")]


class Classifier(ls.LitAPI):
    """Decodes in the worker, so that an HTTP process only passes bytes on."""

    def setup(self, device: str) -> None:  # noqa: ARG002
        """Once in each worker."""
        self.network = load()

    def decode_request(self, request: Jpeg) -> NDArray[np.uint8]:
        """The body, which FastAPI hands over as it is."""
        return pixels(request)

    def batch(self, inputs: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
        """(B, 64, 64, 3)."""
        return np.stack(inputs)

    def predict(self, x: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(B, classes)."""
        return self.network(x)

    def unbatch(self, output: NDArray[np.float32]) -> list[list[float]]:
        """One list an image."""
        rows: list[list[float]] = output.tolist()
        return rows

    def encode_response(self, output: list[float]) -> list[float]:
        """JSON as it is."""
        return output


if __name__ == "__main__":
    api = Classifier(max_batch_size=BATCH, batch_timeout=BATCH_WAIT_SECONDS, api_path="/predict")
    server = ls.LitServer(api, accelerator="cpu", workers_per_device=WORKERS, fast_queue=True)
    server.run(host="127.0.0.1", port=port(), log_level="warning", generate_client_file=False)
