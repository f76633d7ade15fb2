"""What a server is started with: its settings, its command line and its environment."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from runtime.cores import usable_cores
from runtime.errors import RepositoryError
from runtime.layout import Layout
from runtime.ports import HOST, Ports
from runtime.wheel import TritonWheel

KEEP_MEMORY_BYTES = 1 << 30
# Everything but health, in Triton's own words.
RESTRICTED = (
    "inference,metadata,model-config,model-repository,shared-memory,statistics,trace,logging"
)


def default_threads() -> int:
    """All usable cores but one, which stays with the gateway."""
    return max(1, usable_cores() - 1)


@dataclass(frozen=True)
class TritonConfig:
    """The settings of one server."""

    repository: Path
    models: tuple[str, ...] = ()  # empty: every model in the repository
    ports: Ports = field(default_factory=Ports.choose)
    address: str = HOST  # loopback, or every address of this machine: loopback is among them
    secret: str | None = field(default=None, repr=False)  # KEY=SECRET, for all but health
    threads: int = field(default_factory=default_threads)  # of each model instance
    ready_timeout_seconds: float = 300
    exit_timeout_seconds: int = 30  # for requests in flight, once asked to stop


def check_repository(config: TritonConfig) -> None:
    """Raise RepositoryError when the repository or a model asked for is not there, or not built."""
    if not config.repository.is_dir():
        raise RepositoryError(f"the model repository {config.repository} does not exist")
    there = sorted(path.parent.name for path in config.repository.glob("*/config.pbtxt"))
    listing = f"{config.repository} holds {', '.join(there) or 'no model'}"
    if not there:
        raise RepositoryError(listing)
    for name in config.models:
        if name not in there:
            raise RepositoryError(f"there is no model {name!r}: {listing}")
        if not any(config.repository.glob(f"{name}/[1-9]*/*")):
            raise RepositoryError(f"model {name!r} is not built: run `make models MODELS={name}`")


def server_arguments(config: TritonConfig, layout: Layout, memory_prefix: str) -> list[str]:
    """The server's command line, without the binary."""
    return [
        f"--model-repository={config.repository.resolve()}",
        f"--backend-directory={layout.backends}",
        "--model-control-mode=explicit",
        *(f"--load-model={name}" for name in config.models or ("*",)),
        "--disable-auto-complete-config",
        f"--http-address={config.address}",
        f"--http-port={config.ports.http}",
        f"--grpc-address={config.address}",
        f"--grpc-port={config.ports.grpc}",
        f"--metrics-address={config.address}",
        f"--metrics-port={config.ports.metrics}",
        *_restrictions(config.secret),
        f"--exit-timeout-secs={config.exit_timeout_seconds}",
        f"--backend-config=python,shm-region-prefix-name={memory_prefix}",
        # Each instance imports torch first, slowly where several do so at once on few cores.
        f"--backend-config=python,stub-timeout-seconds={int(config.ready_timeout_seconds)}",
    ]


def _restrictions(secret: str | None) -> list[str]:
    """Both protocols: a restriction of one leaves the other open."""
    if secret is None:
        return []
    return [
        f"--http-restricted-api={RESTRICTED}:{secret}",
        f"--grpc-restricted-protocol={RESTRICTED}:{secret}",
    ]


def server_environment(
    config: TritonConfig, wheel: TritonWheel, inherited: Mapping[str, str]
) -> dict[str, str]:
    """``inherited`` with what the server and its stubs need."""
    # PYTHONPATH and its kin belong to our interpreter; a stub has one of its own.
    kept = {name: value for name, value in inherited.items() if not name.startswith("PYTHON")}
    interpreter_folder = Path(sys.executable).parent  # the first python3 on PATH is the stubs'
    return kept | {
        "PATH": os.pathsep.join([str(interpreter_folder), kept.get("PATH", os.defpath)]),
        "LD_LIBRARY_PATH": os.pathsep.join(map(str, wheel.library_folders)),
        "OMP_NUM_THREADS": str(config.threads),
        "OMP_WAIT_POLICY": "passive",  # spinning workers starve the gateway on few cores
        # Keep freed memory: giving activations back to the kernel after each batch and faulting
        # them in again costs up to half of the processor time of a small network.
        "MALLOC_TRIM_THRESHOLD_": str(KEEP_MEMORY_BYTES),
        "MALLOC_MMAP_THRESHOLD_": str(KEEP_MEMORY_BYTES),
        "MALLOC_TOP_PAD_": str(KEEP_MEMORY_BYTES // 16),
    }
