"""Closed-loop clients of Triton itself, pixels ready: the floor under any gateway."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from tritonclient.grpc import InferenceServerClient, InferInput

from benchmarks.load import Load, summarise


def measure_raw(address: str, model: str, *, clients: Sequence[int], requests: int) -> list[Load]:
    """gRPC from Triton's own synchronous client, one connection a client."""
    _run(address, model, 4, 100)  # warm-up
    return [_run(address, model, count, requests) for count in clients]


def _run(address: str, model: str, clients: int, requests: int) -> Load:
    start = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        runs = list(
            pool.map(lambda _: _client(address, model, requests // clients), range(clients))
        )
    return summarise(clients, runs, time.perf_counter() - start)


def _client(address: str, model: str, count: int) -> list[tuple[float, bool]]:
    client = InferenceServerClient(address)
    pixels = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), np.uint8)
    tensor = InferInput("INPUT__0", list(pixels.shape), "UINT8")
    tensor.set_data_from_numpy(pixels)
    latencies = []
    for _ in range(count):
        start = time.perf_counter()
        client.infer(model, [tensor])
        latencies.append((time.perf_counter() - start, True))  # a failure raises
    client.close()
    return latencies
