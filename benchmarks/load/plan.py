"""What the generator is told and what it reports, both as JSON between two processes."""

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

from benchmarks.load.samples import Figures

ROOT = Path(__file__).parents[2]
SLACK_SECONDS = 60  # for the process to start, and for the last answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where requests go and what they carry."""

    protocol: Literal["http", "triton"] = "http"
    port: int  # on 127.0.0.1
    path: str  # with its query; of Triton, the model's name
    image: Path  # a JPEG; Triton gets its pixels, ready


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One run: either ``clients`` that wait for each answer, or Poisson arrivals at ``rate``."""

    target: Target
    clients: int = 0
    rate: float = 0.0  # requests a second, when there are no clients
    lead_seconds: float = 1.0  # before the first request that counts
    seconds: float = 10.0
    patience_seconds: float = 2.0  # then a caller closes its connection
    seed: int = 0  # of the arrivals
    keep: bool = False  # whether to report every latency


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of a plan."""

    figures: Figures
    requests_in_all: int  # those of the lead, too
    cpu_seconds: float  # of the generator itself
    cpu_share: float  # of one core
    latencies_ms: list[float] = field(default_factory=list)  # of answers with 200, if kept


PLANS = TypeAdapter(Plan)
REPORTS = TypeAdapter(Report)


def run(plan: Plan) -> Report:
    """Carry out ``plan`` in a process of its own.

    Raises:
        subprocess.CalledProcessError: the generator failed; its traceback is on stderr.
    """
    finished = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        input=PLANS.dump_json(plan),
        stdout=subprocess.PIPE,
        cwd=ROOT,
        timeout=plan.lead_seconds + plan.seconds + plan.patience_seconds + SLACK_SECONDS,
        check=True,
    )
    return REPORTS.validate_json(finished.stdout)
