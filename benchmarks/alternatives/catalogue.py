"""Every alternative: how it is started, where its packages are, what the tables say about it."""

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parent
ENVIRONMENTS = FOLDER / ".venv"  # one folder an alternative; git ignores them
VERSION = "import importlib.metadata as m, sys; print(m.version(sys.argv[1]))"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """One server to hold Fovea against."""

    name: str
    package: str  # whose version the tables show; also names the requirements file
    how: str  # settings that matter, for the tables
    arguments: tuple[str, ...]  # of the interpreter; `{port}` is filled in
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def requirements(self) -> Path | None:
        """What its environment holds; None: the project's own environment will do."""
        file = FOLDER / f"requirements-{self.package}.txt"
        return file if file.exists() else None

    def interpreter(self, environments: Path) -> Path:
        """The Python it runs on, installed or not."""
        if self.requirements is None:
            return Path(sys.executable)
        return environments / self.package / "bin" / "python"

    def version(self, environments: Path) -> str | None:
        """The version that is installed; None if it is not."""
        command = [str(self.interpreter(environments)), "-c", VERSION, self.package]
        try:
            output = subprocess.check_output(command, text=True, stderr=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError):
            return None
        return output.strip()

    def command(self, environments: Path, port: int) -> list[str]:
        """What starts it."""
        arguments = [argument.format(port=port) for argument in self.arguments]
        return [str(self.interpreter(environments)), *arguments]


def _module(name: str) -> tuple[str, ...]:
    return ("-m", f"benchmarks.alternatives.{name}")


ALTERNATIVES = (
    Alternative(
        name="FastAPI + torch",
        package="fastapi",
        how="one process, a thread pool, no batching, no limit",
        arguments=_module("with_fastapi"),
    ),
    Alternative(
        name="LitServe",
        package="litserve",
        how="2 workers, 2 HTTP processes, fast queue, batches of 8 within 2 ms, no limit",
        arguments=_module("with_litserve"),
    ),
    Alternative(
        name="mosec",
        package="mosec",
        how="2 workers, batches of 8 within 2 ms, capacity 64",
        arguments=_module("with_mosec"),
    ),
    Alternative(
        name="Ray Serve",
        package="ray",
        how="2 replicas, HAProxy, throughput mode, batches of 8 within 2 ms, 64 queued",
        arguments=_module("with_ray"),
        environment={
            "RAY_SERVE_ENABLE_HA_PROXY": "1",
            "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_AUTH_MODE": "disabled",  # a token would be left in the home folder
        },
    ),
    Alternative(
        name="BentoML",
        package="bentoml",
        how="2 workers, no batching, at most 64 at once",
        arguments=(
            *("-m", "bentoml", "serve", "benchmarks.alternatives.with_bentoml:Classifier"),
            *("--host", "127.0.0.1", "--port", "{port}"),
        ),
        environment={
            "BENTOML_DO_NOT_TRACK": "True",
            "BENTOML_HOME": str(Path(tempfile.gettempdir(), "fovea-bentoml")),
        },
    ),
)
