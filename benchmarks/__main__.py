"""Measure the served path against the bare loop and the alternatives: `make bench`."""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from benchmarks import plot, report, results
from benchmarks.alternatives.catalogue import ENVIRONMENTS
from benchmarks.alternatives.image import pixels
from benchmarks.alternatives.network import Network
from benchmarks.answers import NotServedError
from benchmarks.bare_loop import bare_loop, best
from benchmarks.load.samples import GOOD_SECONDS
from benchmarks.machine import describe
from benchmarks.photograph import HEIGHT, QUALITY, WIDTH, photograph
from benchmarks.processes import ROOT
from benchmarks.results import Results, Settings, SystemResult
from benchmarks.systems import MODEL, System, systems
from benchmarks.visits import EQUAL, Conditions, generator_cost, visit

CORES = 2  # of which everything is run, on any machine
FULL = Settings(
    repeats=3,
    seconds=10,
    lead_seconds=1,
    warm_up_seconds=5,
    bare_seconds=4,
    patience_seconds=2,
    good_seconds=GOOD_SECONDS,
)
QUICK = replace(
    FULL, repeats=1, seconds=0.5, lead_seconds=0.1, warm_up_seconds=0.3, bare_seconds=0.1
)
FOLDER = Path(__file__).parent / "results"


def say(text: str) -> None:
    """Progress, at once also through a pipe."""
    print(text, flush=True)


def measure(
    chosen: list[System], missing: list[str], settings: Settings, repository: Path, folder: Path
) -> Results:
    """All of it: the bare loop before and after, and in between the systems in turns."""
    image = folder / "photograph.jpg"
    image.write_bytes(photograph())
    model = repository / MODEL / "1" / "model.pt"
    expected = Network(str(model))(pixels(image.read_bytes())[None])[0]
    before = bare_loop(model, image, settings.bare_seconds)
    say(f"bare loop: {best(before):.0f} images/s")
    cost = generator_cost(image, settings, folder / "null.log")
    conditions = Conditions(
        settings=settings,
        image=image,
        expected=expected,
        equal_rate=EQUAL * best(before),
        log=folder / "server.log",
    )
    measured = take_turns(chosen, conditions)
    return Results(
        machine=describe("torch", "uvicorn", "tritonclient", "fastapi"),
        image=f"{WIDTH}x{HEIGHT} JPEG, quality {QUALITY}, {image.stat().st_size} bytes",
        model=f"{MODEL}/1/model.pt",
        settings=settings,
        bare_before=before,
        bare_after=bare_loop(model, image, settings.bare_seconds),
        generator=cost,
        systems=measured,
        left_out=missing,
    )


def take_turns(chosen: list[System], conditions: Conditions) -> list[SystemResult]:
    """A B C, A B C, …: a slow minute of the machine falls on one repeat, not on one system."""
    measured = [SystemResult(name=one.name, version=one.version, how=one.how) for one in chosen]
    repeats = conditions.settings.repeats
    for repeat in range(1, repeats + 1):
        for system, result in zip(chosen, measured, strict=True):
            start = time.monotonic()
            say(f"[{repeat}/{repeats}] {system.name}")
            try:
                result.visits.append(visit(system, conditions, lambda text: say(f"  {text}")))
            except (NotServedError, subprocess.SubprocessError) as error:
                say(f"  failed: {error}\n{getattr(error, 'log', '')}")
                result.failures.append(str(error))
            say(f"  {time.monotonic() - start:.0f} s")
    return measured


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smoke run: figures mean little")
    parser.add_argument("--repeats", type=int, help="visits to each system")
    parser.add_argument("--only", metavar="A,B", help="these systems, by the start of their names")
    parser.add_argument("--repository", type=Path, default=ROOT / "model_repository")
    parser.add_argument("--environments", type=Path, default=ENVIRONMENTS, help="alternatives'")
    parser.add_argument("--results", type=Path, default=FOLDER, metavar="DIR")
    return parser.parse_args()


def main() -> int:
    """0 when every system could be measured every time."""
    options = _arguments()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])  # children inherit it
    chosen, missing = systems(options.repository, options.environments)
    if options.only:
        starts = tuple(options.only.split(","))
        chosen = [one for one in chosen if one.name.startswith(starts)]
    if missing:
        say(f"not installed: {', '.join(missing)}; see python -m benchmarks.alternatives setup")
    settings = QUICK if options.quick else FULL
    if options.repeats:
        settings = replace(settings, repeats=options.repeats)
    with tempfile.TemporaryDirectory() as folder:
        found = measure(chosen, missing, settings, options.repository, Path(folder))
    options.results.mkdir(parents=True, exist_ok=True)
    results.save(found, options.results / "serving.json")
    report.write(found, options.results / "serving.md")
    plot.write(found, options.results / "serving.svg")
    say((options.results / "serving.md").read_text())
    return 1 if any(one.failures for one in found.systems) else 0


if __name__ == "__main__":
    sys.exit(main())
