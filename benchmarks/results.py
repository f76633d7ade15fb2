"""The schema of results/serving.json: what `make bench` measured, before any summing up.

Rates are per second, latencies in milliseconds. A system has one visit a repeat; in a visit it is
started afresh, warmed up, measured with every load and ended.
"""

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

from benchmarks.bare_loop import Bare
from benchmarks.load.samples import Figures

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How long and how often."""

    repeats: int
    seconds: float  # of each load, without its lead
    lead_seconds: float
    warm_up_seconds: float
    bare_seconds: float  # of each variant of the bare loop
    patience_seconds: float  # of a caller of the open loops
    good_seconds: float  # a later answer is no good


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One load on one system."""

    clients: int | None  # of the closed loop
    offered_per_second: float | None  # of the open loop
    figures: Figures
    server_cpu_ms: float  # of all the system's processes, a request sent
    generator_cpu_share: float  # of one core


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One system, once."""

    closed: list[Run]  # by number of clients
    capacity: float  # the most answers a second of them
    equal: Run  # the same arrivals for every system
    steady: Run  # STEADY of its own capacity
    overload: Run  # OVERLOAD times its own capacity


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemResult:
    """One system, over all repeats."""

    name: str
    version: str
    how: str
    visits: list[Visit] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)  # why a visit was cut short


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorCost:
    """The generator against a server that does nothing."""

    closed_per_second: float  # the most it can do, with 32 clients
    offered_per_second: float
    cpu_share: float  # of one core, at that rate
    cpu_us: float  # a request
    late_p99_ms: float | None
    p50_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """One run of `make bench`."""

    schema: int = SCHEMA
    machine: str
    image: str
    model: str
    settings: Settings
    bare_before: list[Bare]
    bare_after: list[Bare]
    generator: GeneratorCost
    systems: list[SystemResult]
    left_out: list[str]  # not installed


_RESULTS = TypeAdapter(Results)


def save(results: Results, file: Path) -> None:
    """Write ``results`` as JSON."""
    file.write_bytes(_RESULTS.dump_json(results, indent=1) + b"\n")


def read(file: Path) -> Results:
    """What `save` wrote.

    Raises:
        pydantic.ValidationError: the file has another schema.
    """
    return _RESULTS.validate_json(file.read_bytes())
