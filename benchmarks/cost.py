"""What the gateway itself costs: `python -m benchmarks.cost`, processor time a request, by part.

The network is replaced by one that does nothing, and only the gateway's process is counted.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from pydantic import TypeAdapter

from benchmarks import cost_servers
from benchmarks.answers import wait_for_scores
from benchmarks.load import plan
from benchmarks.load.plan import Plan, Target
from benchmarks.machine import describe
from benchmarks.photograph import photograph
from benchmarks.processes import ROOT, family, running
from benchmarks.report import FOLDER, table
from benchmarks.spread import spread
from benchmarks.still_network import still_repository
from benchmarks.systems import MODEL
from pixels.decode import configure_pillow
from pixels.fit import prepare
from pixels.native import return_large_blocks
from runtime.ports import Ports
from service.settings import Settings
from service.steps.decode import decode
from service.values import Upload
from tests.fakes import RECIPE

CLIENTS = 8
Command = Callable[[int], Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Microseconds of processor time a request, one value a repeat."""

    machine: str
    image: str
    seconds: float  # of each run
    bare_asgi: list[float]
    in_process: list[float]  # the gateway over a backend without gRPC
    over_triton: list[float]  # the gateway as it is
    decode_and_resize: list[float]  # alone, in a loop

    def parts(self) -> dict[str, list[float]]:
        """The gateway's time, part by part, in the order of the request line."""
        rows = list(
            zip(
                self.bare_asgi,
                self.in_process,
                self.over_triton,
                self.decode_and_resize,
                strict=True,
            )
        )
        return {
            "uvicorn: socket, HTTP, body": [bare for bare, _, _, _ in rows],
            "decode and resize": [pixels for _, _, _, pixels in rows],
            "FastAPI, request line, JSON, metrics, log": [
                whole - bare - pixels for bare, whole, _, pixels in rows
            ],
            "gRPC client": [whole - without for _, without, whole, _ in rows],
            "the whole gateway": [whole for _, _, whole, _ in rows],
        }


def decode_and_resize(jpeg: bytes, seconds: float) -> float:
    """Microseconds of processor time for one image."""
    configure_pillow()
    return_large_blocks()
    settings, count = Settings.load(), 0
    end, start = time.perf_counter() + seconds, time.thread_time()
    while time.perf_counter() < end:
        prepare(decode(Upload(jpeg), settings).picture, RECIPE.input)
        count += 1
    return 1e6 * (time.thread_time() - start) / count


def gateway_cost(command: Command, path: str, image: Path, seconds: float, log: Path) -> float:
    """Microseconds of the gateway's processor time a request."""
    port = Ports.choose().http
    target = Target(port=port, path=path, image=image)
    with running(command(port), {}, log) as root:
        wait_for_scores(target, root, log)
        plan.run(Plan(target=target, clients=CLIENTS, lead_seconds=0, seconds=seconds / 4))
        process = _gateway(root)
        before = _seconds(process)
        sent = plan.run(Plan(target=target, clients=CLIENTS, lead_seconds=0, seconds=seconds))
        if sent.figures.failed or sent.figures.refused:
            raise RuntimeError(f"not every request was answered: {sent.figures}")
        return 1e6 * (_seconds(process) - before) / sent.requests_in_all


def _gateway(root: psutil.Process) -> psutil.Process:
    """The process whose time counts: under a supervisor, the gateway's."""
    return next((one for one in family(root)[1:] if "service" in one.cmdline()), root)


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _server(kind: str) -> Command:
    return lambda port: [sys.executable, "-m", "benchmarks.cost_servers", kind, str(port)]


def _served(repository: Path) -> Command:
    return lambda port: [
        *(sys.executable, "-m", "runtime", "--repository", str(repository), "--models", MODEL),
        *("--", sys.executable, "-m", "service", "--port", str(port)),
    ]


def measure(repository: Path, seconds: float, repeats: int, folder: Path) -> Cost:
    """Every part in turns, ``repeats`` times."""
    image, log = folder / "photograph.jpg", folder / "log"
    image.write_bytes(photograph())
    runs = {
        "bare_asgi": (_server("bare"), "/predict"),
        "in_process": (_server("gateway"), f"/predict?model={cost_servers.MODEL}"),
        "over_triton": (
            _served(still_repository(MODEL, repository, folder / "repository")),
            f"/predict?model={MODEL}",
        ),
    }
    found: dict[str, list[float]] = {name: [] for name in (*runs, "decode_and_resize")}
    for repeat in range(1, repeats + 1):
        print(f"[{repeat}/{repeats}]", flush=True)
        for name, (command, path) in runs.items():
            found[name].append(gateway_cost(command, path, image, seconds, log))
        found["decode_and_resize"].append(decode_and_resize(image.read_bytes(), seconds / 4))
    return Cost(
        machine=describe("uvicorn", "fastapi", "tritonclient", "pillow"),
        image=f"{image.stat().st_size} bytes of 640x480 JPEG",
        seconds=seconds,
        **found,
    )


def page(cost: Cost) -> str:
    """The parts as Markdown."""
    rows = [(name, spread(values)) for name, values in cost.parts().items()]
    return (
        f"{table(('part', 'µs of processor time a request'), rows)}\n\n"
        f"{cost.image}, {CLIENTS} clients, {len(cost.over_triton)} repeats of {cost.seconds:g} s: "
        "medians, in brackets the smallest and the largest. The first part is an ASGI app that "
        "reads the body and answers fixed JSON; the third is the gateway over an in-process "
        "backend less the first two; the fourth what a real Triton adds. Triton's own time is "
        f"not counted. {cost.machine}\n"
    )


def main() -> None:
    """Measure and write results/cost.{json,md}."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cost", description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each run")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--repository", type=Path, default=ROOT / "model_repository")
    parser.add_argument("--results", type=Path, default=FOLDER, metavar="DIR")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cost = measure(options.repository, options.seconds, options.repeats, Path(folder))
    options.results.mkdir(parents=True, exist_ok=True)
    (options.results / "cost.json").write_bytes(TypeAdapter(Cost).dump_json(cost, indent=1) + b"\n")
    (options.results / "cost.md").write_text(page(cost))
    print(page(cost))


if __name__ == "__main__":
    main()
