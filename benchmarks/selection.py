"""What choosing costs the chosen: `python -m benchmarks.selection`.

Two gateways over one Triton, asked in turns at 70 % of capacity with the same arrivals: one is
asked by name and has no routing file; of the other half the requests leave the choice to the
policy, and half ask for a route with a shadow. Only one of them has work at a time.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

import httpx
from pydantic import TypeAdapter

from benchmarks.load import plan
from benchmarks.load.plan import Plan, Target
from benchmarks.machine import describe
from benchmarks.photograph import photograph
from benchmarks.processes import ROOT, running
from benchmarks.report import FOLDER, table
from benchmarks.visits import STEADY
from runtime.ports import Ports

PRIMARY, CANDIDATE, CHEAP = "mbv2_simam", "mbv2_cbam", "mbv2_none"
MODELS = (PRIMARY, CANDIDATE, CHEAP)
BUDGET_MS = 500
ROUTES = f"""
[routes.signs]
to = "{PRIMARY}"

[routes.signs.shadow]
to = "{CANDIDATE}"
share = 0.1

[auto.classification]
models = ["{PRIMARY}", "{CANDIDATE}", "{CHEAP}"]
"""
BY_NAME = (f"/predict?model={PRIMARY}",) * 2
CHOSEN = (
    f"/predict?model=auto&task=classification&budget_ms={BUDGET_MS}",
    "/predict?model=signs",
)
START_SECONDS = 120
RESAMPLES = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Latencies in ms of one slice after the other, and what shadows did meanwhile."""

    machine: str
    rate: float  # requests a second
    seconds: float  # of a slice
    by_name: list[list[float]]
    chosen: list[list[float]]
    compared: int  # candidates' answers
    dropped: int  # mirrored requests that were shed
    unanswered: int  # requests of either kind

    def ratio(self, percent: int) -> tuple[float, float, float]:
        """Percentile of the chosen over that by name, with a 95 % interval over the slices."""
        generator = random.Random(0)
        pairs = list(zip(self.chosen, self.by_name, strict=True))
        drawn = sorted(
            _ratio([generator.choice(pairs) for _ in pairs], percent) for _ in range(RESAMPLES)
        )
        low, high = drawn[RESAMPLES // 40], drawn[-RESAMPLES // 40]
        return _ratio(pairs, percent), low, high


def _ratio(pairs: list[tuple[list[float], list[float]]], percent: int) -> float:
    chosen, by_name = ([ms for part in side for ms in part] for side in zip(*pairs, strict=True))
    return percentile(chosen, percent) / percentile(by_name, percent)


def percentile(values: list[float], percent: int) -> float:
    """By linear interpolation."""
    return quantiles(values, n=100, method="inclusive")[percent - 1]


@contextmanager
def gateways(repository: Path, folder: Path) -> Iterator[tuple[int, int]]:
    """Ports of the gateway without a routing file and of the one with it, over one Triton."""
    ports, plain, routed = Ports.choose(), Ports.choose().http, Ports.choose().http
    routes = folder / "routes.toml"
    routes.write_text(ROUTES)
    command = [sys.executable, "-m", "runtime", "--repository", str(repository)]
    command += ["--models", ",".join(MODELS), "--grpc-port", str(ports.grpc), "--"]
    service = [sys.executable, "-m", "service", "--port"]
    other = {"FOVEA_TRITON_URL": f"127.0.0.1:{ports.grpc}", "FOVEA_ROUTES_FILE": str(routes)}
    with (
        running([*command, *service, str(plain)], {}, folder / "plain.log"),
        running([*service, str(routed)], other, folder / "routed.log"),
    ):
        for port in (plain, routed):
            _wait(port)
        yield plain, routed


def _wait(port: int) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        try:
            answer = httpx.get(f"http://127.0.0.1:{port}/models", timeout=5).json()
            if sum(model["servable"] for model in answer["models"]) == len(MODELS):
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise TimeoutError(f"not every model is served on port {port}")


class Slices:
    """Loads one gateway or the other for a while, with two generators, one a kind of request."""

    def __init__(self, image: Path, seconds: float) -> None:
        self._image = image
        self._seconds = seconds
        self.unanswered = 0

    def capacity(self, port: int) -> float:
        """Answers a second to 32 clients that wait."""
        target = Target(port=port, path=BY_NAME[0], image=self._image)
        return plan.run(Plan(target=target, clients=32)).figures.answers_per_second

    def slice(self, port: int, paths: tuple[str, ...], rate: float, seed: int) -> list[float]:
        """Milliseconds of every answer to Poisson arrivals at ``rate`` in all."""
        plans = [
            Plan(
                target=Target(port=port, path=path, image=self._image),
                rate=rate / len(paths),
                seconds=self._seconds,
                seed=seed * len(paths) + number,
                keep=True,
            )
            for number, path in enumerate(paths)
        ]
        with ThreadPoolExecutor(len(plans)) as pool:
            reports = list(pool.map(plan.run, plans))
        self.unanswered += sum(
            report.figures.requests - report.figures.answered for report in reports
        )
        return [ms for report in reports for ms in report.latencies_ms]


def measure(repository: Path, seconds: float, pairs: int, folder: Path) -> Selection:
    """Slices in turns, each pair with the same arrivals, the first of a pair by turns."""
    image = folder / "photograph.jpg"
    image.write_bytes(photograph())
    found: dict[str, list[list[float]]] = {"by_name": [], "chosen": []}
    with gateways(repository, folder) as (plain, routed):
        slices = Slices(image, seconds)
        rate = STEADY * slices.capacity(plain)
        kinds = [("by_name", plain, BY_NAME), ("chosen", routed, CHOSEN)]
        for seed in range(-1, pairs):
            for kind, port, paths in kinds if seed % 2 else reversed(kinds):
                latencies = slices.slice(port, paths, rate, seed + 1)
                if seed >= 0:  # the first pair warms up: candidates become known, queues settle
                    found[kind].append(latencies)
                    print(f"{seed + 1}/{pairs} {kind}: p50 {median(latencies):.1f} ms", flush=True)
        compared, dropped = _shadows(routed)
    return Selection(
        machine=describe("uvicorn", "fastapi"),
        rate=round(rate, 1),
        seconds=seconds,
        compared=compared,
        dropped=dropped,
        unanswered=slices.unanswered,
        **found,
    )


def _shadows(port: int) -> tuple[int, int]:
    """Compared and dropped, as the metrics tell."""
    text = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text
    sums = dict.fromkeys(("fovea_shadow_compared_total", "fovea_shadow_dropped_total"), 0.0)
    for line in text.splitlines():
        name = line.partition("{")[0]
        if name in sums:
            sums[name] += float(line.rpartition(" ")[2])
    compared, dropped = sums.values()
    return int(compared), int(dropped)


def page(run: Selection) -> str:
    """The result as Markdown."""
    by_name, chosen = ([ms for part in side for ms in part] for side in (run.by_name, run.chosen))
    rows = []
    for percent in (50, 95, 99):
        ratio, low, high = run.ratio(percent)
        rows.append(
            (
                f"p{percent}",
                f"{percentile(by_name, percent):.1f}",
                f"{percentile(chosen, percent):.1f}",
                f"{100 * (ratio - 1):+.1f} % ({100 * (low - 1):+.1f} to {100 * (high - 1):+.1f})",
            )
        )
    return (
        f"# What choosing costs\n\n{table(('', 'by name, ms', 'chosen, ms', 'added'), rows)}\n\n"
        f"{len(by_name)} and {len(chosen)} answers, {run.rate:g} requests/s (70 % of capacity), "
        f"{len(run.by_name)} pairs of slices of {run.seconds:g} s in turns with the same arrivals; "
        "in brackets a 95 % interval over the slices (bootstrap). Chosen: half by the policy "
        f"(`model=auto`, {len(MODELS)} models, {BUDGET_MS} ms), half on a route with a shadow "
        f"(share 0.1). The shadow compared {run.compared} answers and dropped {run.dropped} "
        f"mirrored requests; {run.unanswered} requests had no answer. {run.machine}\n"
    )


def main() -> None:
    """Measure and write results/selection.{json,md}."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.selection", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each slice")
    parser.add_argument("--pairs", type=int, default=12)
    parser.add_argument("--repository", type=Path, default=ROOT / "model_repository")
    parser.add_argument("--results", type=Path, default=FOLDER, metavar="DIR")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = measure(options.repository, options.seconds, options.pairs, Path(folder))
    options.results.mkdir(parents=True, exist_ok=True)
    (options.results / "selection.json").write_bytes(TypeAdapter(Selection).dump_json(run) + b"\n")
    (options.results / "selection.md").write_text(page(run))
    print(page(run))


if __name__ == "__main__":
    main()
