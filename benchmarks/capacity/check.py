"""The sizing's own test: predict what a running stack will do, then measure it.

Clients, gateway and Triton share the cores, so that the simulation is told so. What it knows is
measured with clients that wait: one alone, and a few. What it says is of Poisson arrivals.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.capacity import formula
from benchmarks.capacity.figures import FULL_BATCH, P95, Batches
from benchmarks.capacity.simulator import Stage, simulate
from benchmarks.capacity.stack import Closed, stack
from benchmarks.cost import decode_and_resize
from benchmarks.load.plan import Report
from benchmarks.machine import describe
from benchmarks.photograph import photograph
from service.cores import usable_cores

LONE, FEW, MANY = 1, 8, 32  # clients
SHARES = (0.3, 0.5, 0.7)  # of the capacity that was measured
PERCENTS = (50, 95, 99)
SIZES = ((320, 240), (640, 480), (1280, 960), (2560, 1920))  # of images, in pixels
WARM_UP = 1 / 2  # as long as a load that counts
DECODING = 1 / 8  # likewise, of each size
REQUESTS = 40_000  # of a simulation


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoding:
    """Decode and resize of a JPEG."""

    megapixels: float
    size: int  # bytes
    cpu_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Steady:
    """Poisson arrivals: milliseconds of p50, p95 and p99, and answers a second."""

    share: float  # of capacity
    rate: float
    simulated: list[float]
    by_formula: list[float | None]  # none where it has the load as too much
    measured: list[list[float]]  # a list a repeat
    answers_per_second: list[float]  # one a repeat
    unanswered: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One run."""

    machine: str
    cores: int
    seconds: float
    decoding: list[Decoding]
    closed: list[Closed]
    stages: list[Stage]  # what the simulation was told
    capacity: float  # answers a second, measured
    capacity_by_formula: float
    steady: list[Steady]


def stages(lone: Closed, few: Closed, threads: int) -> list[Stage]:
    """Gateway and Triton as they cost with one client and with a few.

    A request that comes to an idle gateway costs it more: caches are cold, and each event has a
    turn of the loop to itself. The generator's share is laid on the gateway.
    """
    variation = math.log(lone.p95_ms / lone.p50_ms) / P95
    busy = (few.gateway_ms + few.generator_ms) / 1000
    batches = Batches.fit(
        {
            lone.mean_batch: lone.triton_ms / 1000,
            few.mean_batch: few.mean_batch * few.triton_ms / 1000,
        }
    )
    return [
        Stage(
            servers=threads,
            fixed_seconds=busy,
            wake_seconds=max(0.0, (lone.gateway_ms + lone.generator_ms) / 1000 - busy),
            variation=variation,
        ),
        Stage(
            max_batch=FULL_BATCH,
            fixed_seconds=batches.fixed_seconds,
            each_seconds=batches.each_seconds,
            variation=variation,
        ),
    ]


def decoding(seconds: float) -> list[Decoding]:
    """Processor time by the size of the image."""
    found = []
    for width, height in SIZES:
        jpeg = photograph(width, height)
        cpu_ms = decode_and_resize(jpeg, seconds) / 1000
        found.append(
            Decoding(megapixels=width * height / 1e6, size=len(jpeg), cpu_ms=round(cpu_ms, 3))
        )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """All that is known before arrivals are tried."""

    stages: list[Stage]
    cores: int

    def simulated(self, rate: float) -> list[float]:
        """Milliseconds at PERCENTS."""
        found = simulate(self.stages, rate, cores=self.cores, requests=REQUESTS)
        return [round(found.percentile_ms(percent), 1) for percent in PERCENTS]

    def by_formula(self, rate: float) -> list[float | None]:
        """Likewise; nothing where the load is too much for it."""
        found = [formula.latency_ms(self.stages, rate, percent, self.cores) for percent in PERCENTS]
        return [round(ms, 1) if math.isfinite(ms) else None for ms in found]


def steady(share: float, rate: float, prediction: Prediction, reports: list[Report]) -> Steady:
    """What was foretold of arrivals at ``rate`` beside what came."""
    figures = [report.figures for report in reports]
    return Steady(
        share=share,
        rate=rate,
        simulated=prediction.simulated(rate),
        by_formula=prediction.by_formula(rate),
        measured=[[one.p50_ms or 0, one.p95_ms or 0, one.p99_ms or 0] for one in figures],
        answers_per_second=[one.answers_per_second for one in figures],
        unanswered=sum(one.requests - one.answered for one in figures),
    )


def measure(
    repository: Path, seconds: float, repeats: int, folder: Path, say: Callable[[str], None]
) -> Check:
    """Everything, one after the other."""
    image, cores = folder / "photograph.jpg", usable_cores()
    image.write_bytes(photograph())
    sizes = decoding(DECODING * seconds)
    with stack(repository, image, folder / "log") as running:
        running.closed(FEW, WARM_UP * seconds)
        lone, few, many = closed = [running.closed(one, seconds) for one in (LONE, FEW, MANY)]
        prediction = Prediction(
            stages=stages(lone, few, cores),
            cores=cores,
        )
        capacity = max(few.answers_per_second, many.answers_per_second)
        say(f"{capacity:g} answers/s")
        found = []
        for share in SHARES:
            rate = round(share * capacity, 1)
            reports = [running.arriving(rate, seconds, seed) for seed in range(repeats)]
            found.append(steady(share, rate, prediction, reports))
            say(f"{rate:g}/s: {found[-1].measured} ms, simulated {found[-1].simulated}")
    return Check(
        machine=describe("uvicorn", "fastapi", "tritonclient", "pillow"),
        cores=cores,
        seconds=seconds,
        decoding=sizes,
        closed=closed,
        stages=prediction.stages,
        capacity=capacity,
        capacity_by_formula=round(formula.capacity(prediction.stages, cores), 1),
        steady=found,
    )
