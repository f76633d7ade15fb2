"""Decode, resize and run the network in a plain Python loop: what the cores give with no server.

`python -m benchmarks.bare_loop MODEL.PT IMAGE.JPG --seconds 3` prints one line of JSON a variant.
"""

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks.alternatives.image import pixels
from benchmarks.alternatives.network import BATCH, Network
from benchmarks.processes import ROOT
from zoo.comparison.latency import ENVIRONMENT

# Python threads, torch's threads in each call, images in each call.
VARIANTS = ((1, 1, 1), (1, 2, 1), (2, 1, 1), (1, 1, BATCH), (1, 2, BATCH), (2, 1, BATCH))
WARM_UP_SECONDS = 0.5  # of each variant, or as long as it is measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Bare:
    """One way to run the loop, in one process."""

    threads: int
    torch_threads: int
    batch: int
    images_per_second: float


def bare_loop(model: Path, image: Path, seconds: float) -> list[Bare]:
    """Every variant, ``seconds`` each, in a process with the settings that servers get."""
    output = subprocess.check_output(
        [
            *(sys.executable, "-m", "benchmarks.bare_loop"),
            *(str(model), str(image), "--seconds", str(seconds)),
        ],
        cwd=ROOT,
        env=os.environ | ENVIRONMENT,
        text=True,
    )
    return [Bare(**json.loads(line)) for line in output.splitlines()]


def best(variants: list[Bare]) -> float:
    """The most images a second."""
    return max(variant.images_per_second for variant in variants)


def _images_per_second(
    network: Network, jpeg: bytes, threads: int, batch: int, seconds: float
) -> float:
    counts = [0] * threads
    end = time.perf_counter() + seconds

    def loop(number: int) -> None:
        while time.perf_counter() < end:
            network(np.stack([pixels(jpeg) for _ in range(batch)]))
            counts[number] += batch

    start = time.perf_counter()
    running = [threading.Thread(target=loop, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return sum(counts) / (time.perf_counter() - start)


def main() -> None:
    """Run every variant and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("image", type=Path)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each variant")
    options = parser.parse_args()
    network, jpeg = Network(options.model), options.image.read_bytes()
    for threads, torch_threads, batch in VARIANTS:
        torch.set_num_threads(torch_threads)
        warm_up_seconds = min(WARM_UP_SECONDS, options.seconds)
        _images_per_second(network, jpeg, threads, batch, warm_up_seconds)
        found = _images_per_second(network, jpeg, threads, batch, options.seconds)
        line = Bare(
            threads=threads,
            torch_threads=torch_threads,
            batch=batch,
            images_per_second=round(found, 1),
        )
        print(json.dumps(asdict(line)), flush=True)


if __name__ == "__main__":
    main()
