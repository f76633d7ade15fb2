"""The same as the simulation in closed form: what a spreadsheet can hold."""

import math
from collections.abc import Sequence

from benchmarks.capacity.simulator import Stage


def erlang_c(servers: int, load: float) -> float:
    """Probability of waiting in M/M/c; ``load`` is rate x service time, below ``servers``."""
    blocked = 1.0  # Erlang B, by its recursion, which overflows nowhere
    for number in range(1, servers + 1):
        blocked = load * blocked / (number + load * blocked)
    return blocked / (1 - load / servers * (1 - blocked))


def waiting(servers: int, seconds: float, rate: float, variation: float) -> float:
    """Mean seconds in the queue of M/G/c (Allen and Cunneen's approximation); exact for c = 1."""
    load = rate * seconds
    if load >= servers:
        return math.inf
    return erlang_c(servers, load) * seconds / (servers - load) * (1 + variation**2) / 2


def batching(fixed_seconds: float, each_seconds: float, rate: float) -> float:
    """Mean seconds in a server that takes all that waits, a batch of n in fixed + n * each.

    An upper bound, mostly within a few percent (Inoue, "Queueing analysis of GPU-based inference
    servers with dynamic batching", 2021, arXiv 1912.06322). Batches have no largest size there.
    """
    load = rate * each_seconds
    if load >= 1:
        return math.inf
    light = 1 + 2 * rate * fixed_seconds + (1 - rate * fixed_seconds) / (1 + load)
    return min(
        (each_seconds + fixed_seconds) / (2 * (1 - load)) * light,
        1.5 * fixed_seconds / (1 - load) + each_seconds / 2 * (load + 2) / (1 - load**2),
    )


def work(stage: Stage, rate: float) -> float:
    """Seconds of a core for one request, in batches as large as ``rate`` makes them."""
    rate = rate / stage.replicas / stage.servers
    left = 1 - rate * stage.each_seconds
    batch = rate * stage.fixed_seconds / left if left > 0 else math.inf
    batch = max(1.0, min(batch, stage.max_batch))
    return stage.fixed_seconds / batch + stage.each_seconds


def capacity(stages: Sequence[Stage], cores: float = math.inf) -> float:
    """The most requests a second: of the narrowest stage, or of the cores that all share."""
    shared = sum(stage.seconds(stage.max_batch) / stage.max_batch for stage in stages)
    return min(cores / shared, *(stage.capacity for stage in stages))


def crowding(stages: Sequence[Stage], rate: float, cores: int | None) -> float:
    """How many times longer work takes where all stages share ``cores``, each server as busy."""
    if not cores:
        return 1.0
    others = sum(stage.replicas * stage.servers for stage in stages) - 1
    busy = min(1.0, rate * sum(work(stage, rate) for stage in stages) / (others + 1))
    return sum(
        math.comb(others, busy_ones)
        * busy**busy_ones
        * (1 - busy) ** (others - busy_ones)
        * max(1.0, (busy_ones + 1) / cores)
        for busy_ones in range(others + 1)
    )


def latency_ms(
    stages: Sequence[Stage],
    rate: float,
    percent: int,
    cores: int | None = None,
) -> float:
    """A percentile of the latency: that of a lone request, and a wait with an exponential tail.

    Infinite where the load is more than can be carried.
    """
    if rate >= capacity(stages, cores or math.inf):
        return math.inf
    stretch = crowding(stages, rate, cores)
    waits = sum(_mean(stage, rate / stage.replicas, stretch) - stage.seconds(1) for stage in stages)
    alone = sum(stage.seconds(1) + stage.wake_seconds for stage in stages)
    return 1000 * (alone + max(0.0, waits) * math.log(100 / (100 - percent)))


def _mean(stage: Stage, rate: float, stretch: float) -> float:
    """Seconds in one replica of a stage that gets ``rate``."""
    fixed, each = stage.fixed_seconds * stretch, stage.each_seconds * stretch
    if stage.max_batch > 1:
        return batching(fixed, each, rate / stage.servers)
    return fixed + each + waiting(stage.servers, fixed + each, rate, stage.variation)
