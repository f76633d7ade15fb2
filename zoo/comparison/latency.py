"""How long networks take as they are exported, side by side on one thread of this machine."""

import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median, quantiles

import torch
from torch.jit import optimized_execution  # type: ignore[attr-defined]  # public, not exported

from zoo.export import servable
from zoo.export.formats import exporter
from zoo.export.probes import probe

BATCHES = (1, 8)
WARM_UP = 5  # calls before the first that counts
FEWEST_ROUNDS = 7
KEEP_MEMORY_BYTES = 1 << 30
# What the runtime gives a model's process on a two-core machine; a test holds the two together.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "passive",
    "MALLOC_TRIM_THRESHOLD_": str(KEEP_MEMORY_BYTES),
    "MALLOC_MMAP_THRESHOLD_": str(KEEP_MEMORY_BYTES),
    "MALLOC_TOP_PAD_": str(KEEP_MEMORY_BYTES // 16),
}
Call = Callable[[], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Of one network at one batch size.

    ``ratio`` is the median over the rounds of this network's time to the reference's in the same
    round, so that a busy moment hits both; half of the rounds lie from ``low`` to ``high``.
    """

    network: str
    batch: int
    milliseconds: float  # median of one call
    ratio: float
    low: float
    high: float


def interleaved(calls: Mapping[str, Call], seconds: float) -> dict[str, list[float]]:
    """Seconds of each call, round by round: all take turns for ``seconds`` in sum, after a warm-up.

    The lists are of one length: position i of each is from the same round.
    """
    for call in calls.values():
        for _ in range(WARM_UP):
            call()
    spent: dict[str, list[float]] = {name: [] for name in calls}
    end, rounds = time.perf_counter() + seconds, 0
    while time.perf_counter() < end or rounds < FEWEST_ROUNDS:
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            spent[name].append(time.perf_counter() - start)
        rounds += 1
    return spent


def compared(spent: Mapping[str, Sequence[float]], reference: str, batch: int) -> list[Latency]:
    """Every network's rounds against those of ``reference``; at least two rounds each."""
    return [
        Latency(
            network=name,
            batch=batch,
            milliseconds=1000 * median(times),
            ratio=median(ratios),
            low=quartiles[0],
            high=quartiles[2],
        )
        for name, times in spent.items()
        for ratios in [[one / other for one, other in zip(times, spent[reference], strict=True)]]
        for quartiles in [quantiles(ratios, n=4, method="inclusive")]
    ]


def measure(names: Sequence[str], folder: Path, *, reference: str, seconds: float) -> list[Latency]:
    """Export the weights ``names`` of ``folder`` and time them, at each of BATCHES.

    It happens in a process of its own, with the threads and the allocator that Triton's would
    have; ``seconds`` are for each network and batch size.
    """
    command = [sys.executable, "-m", __name__, reference, str(seconds), str(folder), *names]
    output = subprocess.check_output(command, env=os.environ | ENVIRONMENT, text=True)  # noqa: S603 - our own interpreter and module
    return [Latency(**fields) for fields in json.loads(output.splitlines()[-1])]


def _measure(names: Sequence[str], folder: Path, reference: str, seconds: float) -> list[Latency]:
    form = exporter("torchscript")
    runs, sizes = {}, {}
    for name in names:
        model = servable.trained(name, folder)
        sizes[name] = (model.recipe.input.height, model.recipe.input.width)
        runs[name] = form.load(form.write(model.served, sizes[name]))
    found = []
    for batch in BATCHES:
        calls = {name: partial(run, probe(batch, sizes[name])) for name, run in runs.items()}
        with torch.inference_mode(), optimized_execution(False):
            found += compared(interleaved(calls, seconds * len(calls)), reference, batch)
    return found


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    _reference, _seconds, _folder, *_names = sys.argv[1:]
    _found = _measure(_names, Path(_folder), _reference, float(_seconds))
    print(json.dumps([asdict(one) for one in _found]))  # noqa: T201 - to the process that asked
