"""What is measured: each system with its command, its address and its right to be in the table."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import psutil

from benchmarks.alternatives.catalogue import ALTERNATIVES, Alternative
from benchmarks.answers import NotServedError, Scores, agree, wait_for_scores
from benchmarks.load.plan import Target
from benchmarks.processes import running
from runtime.ports import Ports
from zoo.comparison.latency import ENVIRONMENT

MODEL = "mbv2_simam"
FOVEA = "Fovea"
TRITON = "Triton alone, gRPC, pixels ready"
TRITON_VERSION = "2.51"


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One row of the tables."""

    name: str
    version: str
    how: str
    command: Callable[[int], Sequence[str]]  # by port
    environment: Callable[[int], Mapping[str, str]] = field(default=lambda _: {})
    protocol: Literal["http", "triton"] = "http"
    path: str = "/predict"

    @contextmanager
    def served(
        self, image: Path, expected: Scores, log: Path
    ) -> Iterator[tuple[Target, psutil.Process]]:
        """The system on a free port, once it has answered rightly; ended after the block.

        Raises:
            NotServedError: it did not come up, or does not answer ``expected``.
        """
        port = Ports.choose().http
        target = Target(protocol=self.protocol, port=port, path=self.path, image=image)
        with running(self.command(port), self.environment(port), log) as process:
            answered = wait_for_scores(target, process, log)
            if not agree(answered, expected):
                raise NotServedError(f"it answered {answered}, the network says {expected}")
            yield target, process


def systems(repository: Path, environments: Path) -> tuple[list[System], list[str]]:
    """Fovea, Triton alone and the alternatives that are installed; the names of the others."""
    found = [fovea(repository), _triton(repository)]
    missing = []
    model = repository / MODEL / "1" / "model.pt"
    for alternative in ALTERNATIVES:
        installed = alternative.version(environments)
        if installed is None:
            missing.append(alternative.name)
        else:
            found.append(_alternative(alternative, installed, model, environments))
    return found, missing


def _runtime(repository: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "runtime"),
        *("--repository", str(repository), "--models", MODEL),
    ]


def fovea(repository: Path) -> System:
    """What `make serve` starts."""
    return System(
        name=FOVEA,
        version=version("fovea"),
        how="what `make serve` starts: the gateway and Triton, one instance, batches of up to 8",
        command=lambda port: [
            *_runtime(repository),
            *("--", sys.executable, "-m", "service", "--port", str(port)),
        ],
        path=f"/predict?model={MODEL}",
    )


def _triton(repository: Path) -> System:
    return System(
        name=TRITON,
        version=TRITON_VERSION,
        how="the same server without a gateway: no JPEG, no HTTP; the floor under any gateway",
        command=lambda port: [*_runtime(repository), "--grpc-port", str(port)],
        protocol="triton",
        path=MODEL,
    )


def _alternative(one: Alternative, installed: str, model: Path, environments: Path) -> System:
    return System(
        name=one.name,
        version=installed,
        how=one.how,
        command=lambda port: one.command(environments, port),
        environment=lambda port: {
            **ENVIRONMENT,
            **one.environment,
            "MODEL_FILE": str(model.resolve()),
            "PORT": str(port),
        },
    )
