"""The served TorchScript file, called the same way by the bare loop and by every alternative.

An alternative finds the file in MODEL_FILE and its port in PORT. Its processes also get the
allocator's and OpenMP's settings that Fovea's runtime gives to Triton, so that servers are
compared, not settings of libraries below them.
"""

import os

import numpy as np
import torch
from numpy.typing import NDArray
from torch.jit import optimized_execution  # type: ignore[attr-defined]  # public, not exported

from benchmarks.alternatives.image import SIDE

BATCH = 8  # largest; Triton's configuration has the same
BATCH_WAIT_SECONDS = 0.002  # for a batch to fill, where a server cannot do without a wait
IN_FLIGHT = 64  # more are refused, by servers that can; Fovea's own limit
TORCH_THREADS = 1  # of each worker; the embedded Triton has as many on two cores
WORKERS = 2  # processes, or replicas: one a core
WARM_UP = 5  # calls at each batch size


class Network:
    """A loaded, warm network."""

    def __init__(self, file: str) -> None:
        self._module = torch.jit.load(file)  # type: ignore[no-untyped-call]
        for images in (1, BATCH):
            for _ in range(WARM_UP):
                self(np.zeros((images, SIDE, SIDE, 3), np.uint8))

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Class probabilities, (B, classes), of (B, 64, 64, 3) pixels."""
        with torch.inference_mode(), optimized_execution(False):
            scores: NDArray[np.float32] = self._module(torch.from_numpy(images))[0].numpy()
        return scores


def load() -> Network:
    """The network of this process, on TORCH_THREADS."""
    torch.set_num_threads(TORCH_THREADS)
    return Network(os.environ["MODEL_FILE"])


def port() -> int:
    """Where this process shall listen."""
    return int(os.environ["PORT"])
