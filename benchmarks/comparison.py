"""Figures over all visits to a system, and the systems that are better than Fovea."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.results import Results, Run, SystemResult, Visit
from benchmarks.spread import Spread, spread
from benchmarks.systems import FOVEA, TRITON

Value = Callable[[Visit], float | None]
RunOf = Callable[[Visit], Run]


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure by which systems are compared."""

    name: str
    value: Value
    higher_is_better: bool = False


@dataclass(frozen=True, slots=True)
class Ahead:
    """A system that is better than Fovea."""

    system: SystemResult
    figure: Spread
    by_chance: bool  # the repeats of both are mixed


def closed(at: int) -> RunOf:
    """The run with the ``at``-th number of clients."""
    return lambda visit: visit.closed[at]


def equal(visit: Visit) -> Run:
    """The run with the same arrivals for every system."""
    return visit.equal


def steady(visit: Visit) -> Run:
    """The run at a part of the system's own capacity."""
    return visit.steady


def overload(visit: Visit) -> Run:
    """The run at a multiple of the system's own capacity."""
    return visit.overload


def figure(run: RunOf, name: str) -> Value:
    """The field ``name`` of a run's Figures."""

    def value(visit: Visit) -> float | None:
        found: float | None = getattr(run(visit).figures, name)
        return found

    return value


def percent(run: RunOf, name: str) -> Value:
    """The share of a run's requests that its Figures count as ``name``."""

    def value(visit: Visit) -> float:
        figures = run(visit).figures
        return 100 * float(getattr(figures, name)) / max(1, figures.requests)

    return value


def server_cpu(run: RunOf) -> Value:
    """Processor time of a system, in milliseconds a request."""
    return lambda visit: run(visit).server_cpu_ms


MEASURES = (
    Measure("answers/s, 1 client", figure(closed(0), "answers_per_second"), higher_is_better=True),
    Measure("answers/s, 8 clients", figure(closed(1), "answers_per_second"), higher_is_better=True),
    Measure(
        "answers/s, 32 clients", figure(closed(2), "answers_per_second"), higher_is_better=True
    ),
    Measure("p99 ms, 8 clients", figure(closed(1), "p99_ms")),
    Measure("p50 ms, equal arrivals", figure(equal, "p50_ms")),
    Measure("p99 ms, equal arrivals", figure(equal, "p99_ms")),
    Measure("good answers/s, overload", figure(overload, "good_per_second"), higher_is_better=True),
    Measure("CPU ms a request, 8 clients", server_cpu(closed(1))),
)


def over(system: SystemResult, value: Value) -> Spread | None:
    """A figure over the system's visits; None if it was never measured."""
    return spread(value(visit) for visit in system.visits)


def fovea(results: Results, value: Value) -> Spread | None:
    """Fovea's own figure."""
    return next((over(one, value) for one in results.systems if one.name == FOVEA), None)


def ahead(results: Results, measure: Measure) -> list[Ahead]:
    """Who is better than Fovea at ``measure``, best first.

    Triton alone, which is part of Fovea and does less, does not take part.
    """
    ours = fovea(results, measure.value)
    if ours is None:
        return []
    sign = 1 if measure.higher_is_better else -1
    found = []
    for system in results.systems:
        theirs = over(system, measure.value)
        if system.name in (FOVEA, TRITON) or theirs is None:
            continue
        if sign * theirs.median > sign * ours.median:
            found.append(Ahead(system, theirs, by_chance=theirs.overlaps(ours)))
    return sorted(found, key=lambda one: -sign * one.figure.median)
