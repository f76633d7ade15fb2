"""How long a running Triton takes for its batches, by their size: what `size` wants of a GPU.

Clients that wait, more and more of them, send one image each; Triton's own statistics tell how
large the batches became and how long they took. It works on any Triton that can be reached.
"""

import asyncio
import time
from collections import Counter
from typing import Any

import numpy as np
from tritonclient.grpc import InferInput
from tritonclient.grpc.aio import InferenceServerClient

from benchmarks.capacity.figures import FiguresError

PARTS = ("compute_input", "compute_infer", "compute_output")
ENOUGH = 10  # executions of a size that count


async def measure(url: str, model: str, seconds: float) -> dict[int, float]:
    """Milliseconds of a batch, by its size; without what waits before or goes over the wire.

    ``url`` is host:port of gRPC; ``seconds`` are those of each number of clients.

    Raises:
        tritonclient.utils.InferenceServerException: it cannot be reached, or has no such model.
        FiguresError: it takes something else than one tensor of pixels.
    """
    client = InferenceServerClient(url)
    try:
        config = (await client.get_model_config(model)).config
        tensor = _pixels(config)
        await _load(client, model, tensor, clients=2 * config.max_batch_size, seconds=seconds / 2)
        before = await _counts(client, model)
        clients = 1
        while clients <= 2 * max(1, config.max_batch_size):
            await _load(client, model, tensor, clients=clients, seconds=seconds)
            clients *= 2
        spent = await _counts(client, model)
        spent.subtract(before)
    finally:
        await client.close()
    return {
        size: round(spent[size, "ns"] / count / 1e6, 3)
        for (size, what), count in sorted(spent.items())
        if what == "count" and count >= ENOUGH
    }


def _pixels(config: Any) -> InferInput:
    """One image of noise."""
    if len(config.input) != 1 or -1 in config.input[0].dims:
        raise FiguresError(f"{config.name} takes more than one tensor, or one of any size")
    name, dims = config.input[0].name, list(config.input[0].dims)
    batch = [1] if config.max_batch_size else []
    noise = np.random.default_rng(0).integers(0, 256, batch + dims, dtype=np.uint8)
    return InferInput(name, noise.shape, "UINT8").set_data_from_numpy(noise)


async def _load(
    client: InferenceServerClient, model: str, tensor: InferInput, *, clients: int, seconds: float
) -> None:
    end = time.perf_counter() + seconds

    async def one() -> None:
        while time.perf_counter() < end:
            await client.infer(model, [tensor])

    await asyncio.gather(*(one() for _ in range(max(1, clients))))


async def _counts(client: InferenceServerClient, model: str) -> "Counter[tuple[int, str]]":
    """Executions and nanoseconds so far, by the size of the batch."""
    found: Counter[tuple[int, str]] = Counter()
    for versions in (await client.get_inference_statistics(model)).model_stats:
        for batch in versions.batch_stats:
            found[batch.batch_size, "count"] += batch.compute_infer.count
            found[batch.batch_size, "ns"] += sum(getattr(batch, part).ns for part in PARTS)
    return found
