"""A long run of mixed requests that must leave memory flat: `python -m benchmarks.soak`."""

import argparse
import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import uvloop
from pydantic import TypeAdapter

from benchmarks.answers import wait_for_scores
from benchmarks.load.http import Callers
from benchmarks.load.plan import Target
from benchmarks.machine import describe
from benchmarks.memory import PER, Sighting, look, names, slope_mib
from benchmarks.mixture import Mixture, kinds
from benchmarks.photograph import photograph
from benchmarks.processes import ROOT, running
from benchmarks.report import FOLDER, table
from benchmarks.systems import MODEL, System, fovea
from runtime.ports import Ports

CLIENTS = 8
SIGHTINGS = 100
PATIENCE_SECONDS = 30.0
FLAT_MIB = 16.0  # for 100,000 requests; one leaked 12 KiB tensor a request would be 1,170
FLAT_DESCRIPTORS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Soak:
    """What a run came to."""

    machine: str
    requests: int
    seconds: float
    answers: dict[str, int]  # "kind: status", 0 for none
    wrong: dict[str, int]
    ended: list[str]  # processes that did not live through it
    slope_mib: float  # for 100,000 requests
    sightings: list[Sighting]

    @property
    def descriptors_gained(self) -> int:
        """From the first sighting to the last."""
        return self.sightings[-1].descriptors - self.sightings[0].descriptors

    def faults(self) -> list[str]:
        """Why the run cannot be called good; empty when it can."""
        found = [f"wrong answers: {kind} ({count})" for kind, count in self.wrong.items()]
        found += [f"{name} ended" for name in self.ended]
        if self.slope_mib > FLAT_MIB:
            found.append(f"memory grows by {self.slope_mib:.1f} MiB for {PER:,} requests")
        if self.descriptors_gained > FLAT_DESCRIPTORS:
            found.append(f"{self.descriptors_gained} descriptors were not closed")
        return found


async def run(port: int, root: psutil.Process, requests: int) -> tuple[Mixture, list[Sighting]]:
    """Send everything, and look at the processes after each hundredth part of it."""
    callers = Callers(port, PATIENCE_SECONDS)
    mixture = Mixture(kinds(MODEL), callers)
    sightings = []
    for number in range(1, SIGHTINGS + 1):
        await mixture.send(requests * number // SIGHTINGS - mixture.sent, CLIENTS)
        sightings.append(look(root, mixture.sent))
        print(f"\r{mixture.sent:,} of {requests:,}", end="", file=sys.stderr, flush=True)
    await callers.close()
    print(file=sys.stderr)
    return mixture, sightings


def soak(system: System, requests: int, folder: Path) -> Soak:
    """Start ``system``, send ``requests``, see that it still answers."""
    image, log = folder / "photograph.jpg", folder / "log"
    image.write_bytes(photograph())
    port = Ports.choose().http
    target = Target(port=port, path=system.path, image=image)
    with running(system.command(port), system.environment(port), log) as root:
        wait_for_scores(target, root, log)
        started, start = names(root), time.monotonic()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            mixture, sightings = runner.run(run(port, root, requests))
        seconds = time.monotonic() - start
        wait_for_scores(target, root, log)
        ended = started.keys() - names(root).keys()
    return Soak(
        machine=describe("uvicorn", "fastapi", "tritonclient", "pillow"),
        requests=requests,
        seconds=round(seconds, 1),
        answers={f"{kind}: {status}": n for (kind, status), n in sorted(mixture.answers.items())},
        wrong=mixture.wrong(),
        ended=sorted(started[pid] for pid in ended),
        slope_mib=round(slope_mib(sightings), 2),
        sightings=sightings,
    )


def page(found: Soak) -> str:
    """The run as Markdown."""
    first, last = found.sightings[0], found.sightings[-1]
    memory = [(name, first.mib.get(name), mib) for name, mib in last.mib.items()]
    memory.append(("all", round(first.total_mib, 1), round(last.total_mib, 1)))
    return "\n\n".join(
        (
            f"{found.requests:,} requests from {CLIENTS} clients in {found.seconds:.0f} s. Memory "
            f"grows by {found.slope_mib:.1f} MiB for {PER:,} requests (at most {FLAT_MIB:g} count "
            f"as flat); descriptors gained: {found.descriptors_gained}.",
            *(f"**Failed**: {fault}" for fault in found.faults()),
            table(("process", "MiB after 1 %", "MiB at the end"), memory),
            table(("request: status, 0 for none", "count"), found.answers.items()),
            found.machine,
        )
    )


def main() -> int:
    """0 when memory stayed flat and every answer was one that its request should get."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--repository", type=Path, default=ROOT / "model_repository")
    parser.add_argument("--results", type=Path, default=FOLDER, metavar="DIR")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = soak(fovea(options.repository), options.requests, Path(folder))
    options.results.mkdir(parents=True, exist_ok=True)
    file = options.results / "soak.json"
    file.write_bytes(TypeAdapter(Soak).dump_json(found, indent=1) + b"\n")
    file.with_suffix(".md").write_text(page(found) + "\n")
    print(page(found))
    return 1 if found.faults() else 0


if __name__ == "__main__":
    sys.exit(main())
