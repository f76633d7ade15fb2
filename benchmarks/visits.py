"""One visit to one system: warm it up, load it in five ways, note what came back."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.answers import NotServedError, Scores
from benchmarks.load import plan
from benchmarks.load.plan import Plan, Target
from benchmarks.processes import cpu_seconds, running
from benchmarks.results import GeneratorCost, Run, Settings, Visit
from benchmarks.systems import System
from runtime.ports import Ports

CLIENTS = (1, 8, 32)
EQUAL = 1 / 3  # of the bare loop's best: arrivals that are the same for every system
STEADY = 0.7  # of a system's own capacity
OVERLOAD = 3.0  # times its own capacity
CLOSED_PATIENCE_SECONDS = 30.0  # clients that wait do wait
WARM_UP_CLIENTS = 8
NULL_RATE = 1000.0  # requests a second: above what any overload here offers


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """The same for every system."""

    settings: Settings
    image: Path
    expected: Scores
    equal_rate: float
    log: Path


class Loader:
    """Sends loads to one running system."""

    def __init__(self, target: Target, process: psutil.Process, settings: Settings) -> None:
        self._target = target
        self._process = process
        self._settings = settings

    def warm_up(self) -> None:
        """A load whose figures nobody sees."""
        settings = self._settings
        plan.run(
            Plan(
                target=self._target,
                clients=WARM_UP_CLIENTS,
                lead_seconds=0,
                seconds=settings.warm_up_seconds,
                patience_seconds=CLOSED_PATIENCE_SECONDS,
            )
        )

    def closed(self, clients: int) -> Run:
        """``clients`` that wait for each answer."""
        return self._run(clients=clients, rate=0.0, patience_seconds=CLOSED_PATIENCE_SECONDS)

    def arriving(self, rate: float) -> Run:
        """Poisson arrivals at ``rate`` a second."""
        return self._run(clients=0, rate=rate, patience_seconds=self._settings.patience_seconds)

    def _run(self, *, clients: int, rate: float, patience_seconds: float) -> Run:
        before = cpu_seconds(self._process)
        report = plan.run(
            Plan(
                target=self._target,
                clients=clients,
                rate=rate,
                lead_seconds=self._settings.lead_seconds,
                seconds=self._settings.seconds,
                patience_seconds=patience_seconds,
            )
        )
        used = cpu_seconds(self._process) - before
        return Run(
            clients=clients or None,
            offered_per_second=None if clients else round(rate, 1),
            figures=report.figures,
            server_cpu_ms=round(1000 * used / max(1, report.requests_in_all), 3),
            generator_cpu_share=report.cpu_share,
        )


def visit(system: System, conditions: Conditions, say: Callable[[str], None]) -> Visit:
    """Start ``system``, measure it, end it.

    Raises:
        NotServedError: it does not serve, or not the right answer.
        subprocess.CalledProcessError: the generator failed.
    """
    with system.served(conditions.image, conditions.expected, conditions.log) as served:
        load = Loader(*served, conditions.settings)
        load.warm_up()
        closed = [load.closed(clients) for clients in CLIENTS]
        capacity = max(run.figures.answers_per_second for run in closed)
        if not capacity:
            raise NotServedError("not one request was answered")
        say(f"{capacity:.0f} answers/s")
        return Visit(
            closed=closed,
            capacity=capacity,
            equal=load.arriving(conditions.equal_rate),
            steady=load.arriving(STEADY * capacity),
            overload=load.arriving(OVERLOAD * capacity),
        )


def generator_cost(image: Path, settings: Settings, log: Path) -> GeneratorCost:
    """What the generator takes for itself, seen against a server that does nothing."""
    port = Ports.choose().http
    command = [sys.executable, "-m", "benchmarks.load.null_server", str(port)]
    with running(command, {}, log) as process:
        load = Loader(Target(port=port, path="/", image=image), process, settings)
        load.warm_up()
        fastest = load.closed(max(CLIENTS))
        steady = load.arriving(NULL_RATE)
    return GeneratorCost(
        closed_per_second=fastest.figures.answers_per_second,
        offered_per_second=NULL_RATE,
        cpu_share=steady.generator_cpu_share,
        cpu_us=round(1e6 * steady.generator_cpu_share / NULL_RATE, 1),
        late_p99_ms=steady.figures.late_p99_ms,
        p50_ms=steady.figures.p50_ms,
    )
