"""A running stack whose processes are looked at while it is loaded."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from tritonclient.grpc import InferenceServerClient

from benchmarks.answers import wait_for_scores
from benchmarks.load import plan
from benchmarks.load.plan import Plan, Report, Target
from benchmarks.processes import cpu_seconds, family, running
from benchmarks.systems import MODEL
from runtime.ports import Ports

PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """What clients that wait got, and milliseconds of a core for each of their requests."""

    clients: int
    answers_per_second: float
    mean_batch: float
    gateway_ms: float
    triton_ms: float
    generator_ms: float
    p50_ms: float
    p95_ms: float


class Stack:
    """A gateway over Triton, and the processor time of both."""

    def __init__(self, root: psutil.Process, target: Target, triton_port: int) -> None:
        self._root = root
        self._gateway = next(one for one in family(root)[1:] if "service" in one.cmdline())
        self._target = target
        self._triton = InferenceServerClient(f"127.0.0.1:{triton_port}")

    def closed(self, clients: int, seconds: float) -> Closed:
        """Load of clients that wait, and what it cost."""
        before = self._counters()
        report = self._sent(clients=clients, seconds=seconds)
        whole, gateway, images, batches = (
            now - then for now, then in zip(self._counters(), before, strict=True)
        )
        sent, figures = report.requests_in_all, report.figures
        return Closed(
            clients=clients,
            answers_per_second=figures.answers_per_second,
            mean_batch=round(images / batches, 2),
            gateway_ms=round(1000 * gateway / sent, 3),
            triton_ms=round(1000 * (whole - gateway) / sent, 3),
            generator_ms=round(1000 * report.cpu_seconds / sent, 3),
            p50_ms=figures.p50_ms or 0.0,
            p95_ms=figures.p95_ms or 0.0,
        )

    def arriving(self, rate: float, seconds: float, seed: int) -> Report:
        """Poisson arrivals."""
        return self._sent(rate=rate, seconds=seconds, seed=seed)

    def _sent(
        self, *, clients: int = 0, rate: float = 0.0, seconds: float, seed: int = 0
    ) -> Report:
        return plan.run(
            Plan(
                target=self._target,
                clients=clients,
                rate=rate,
                seconds=seconds,
                patience_seconds=PATIENCE_SECONDS,
                seed=seed,
            )
        )

    def _counters(self) -> tuple[float, float, int, int]:
        """Seconds of all processes, of the gateway; images and batches that Triton has run."""
        statistics = self._triton.get_inference_statistics(MODEL).model_stats[0]
        times = self._gateway.cpu_times()
        return (
            cpu_seconds(self._root),
            float(times.user + times.system),
            int(statistics.inference_count),
            int(statistics.execution_count),
        )


@contextmanager
def stack(repository: Path, image: Path, log: Path) -> Iterator[Stack]:
    """What `make serve` starts."""
    http, grpc = Ports.choose().http, Ports.choose().grpc
    command = [sys.executable, "-m", "runtime", "--repository", str(repository)]
    command += ["--models", MODEL, "--grpc-port", str(grpc)]
    command += ["--", sys.executable, "-m", "service", "--port", str(http)]
    target = Target(port=http, path=f"/predict?model={MODEL}", image=image)
    with running(command, {}, log) as root:
        wait_for_scores(target, root, log)
        yield Stack(root, target, grpc)
