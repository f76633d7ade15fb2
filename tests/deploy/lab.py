"""One stack in Docker, of a name of its own, for the tests that need one."""

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event

from fovea import Client, FoveaError
from tests.deploy.compose import BASE
from tests.test_imports import ROOT

PROJECT = "fovea-test"
PICTURE = (ROOT / "docs/images/no_parking.jpg").read_bytes()


def missing() -> str | None:
    """Why there can be no stack, if so."""
    if not os.environ.get("DEPLOY"):
        return "takes minutes, and Docker: `make test-deploy` runs it"
    if shutil.which("docker") is None or run("docker", "info").returncode:
        return "no Docker engine answers"
    return None


def run(*command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@dataclass
class Lab:
    """A stack at a free port; ``compose`` is Docker Compose aimed at it."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def compose(self, *arguments: str) -> str:
        """What the command says; its words are in the failure if it fails."""
        command = ("docker", "compose", "-p", PROJECT, "-f", BASE, *arguments)
        done = run(*command, PUBLISH=f"127.0.0.1:{self.port}")
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def inspect(self, service: str) -> dict[str, dict[str, object]]:
        """What the engine knows of a service's container."""
        name = self.compose("ps", "--all", "--quiet", service).strip()
        found: dict[str, dict[str, object]] = json.loads(run("docker", "inspect", name).stdout)[0]
        return found

    def python(self, service: str, program: str) -> str:
        """What ``program`` prints inside a container of ours."""
        return self.compose("exec", "-T", service, "python", "-c", program).strip()

    def query(self, expression: str) -> list[str]:
        """Prometheus' answer to a query, one line a series."""
        asked = ("promtool", "query", "instant", "http://127.0.0.1:9090", expression)
        return self.compose("exec", "-T", "prometheus", *asked).splitlines()

    def down(self) -> None:
        self.compose("down", "--volumes", "--remove-orphans")


def leftovers() -> dict[str, str]:
    """The containers, volumes and networks of the stack."""
    kinds = {"container": ("ps", "-a"), "volume": ("volume", "ls"), "network": ("network", "ls")}
    label = f"label=com.docker.compose.project={PROJECT}"
    return {
        kind: run("docker", *command, "-q", "--filter", label).stdout
        for kind, command in kinds.items()
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Load:
    """What came of requests that were posted without a pause."""

    answers: int = 0
    failures: list[str] = field(default_factory=list)


@contextmanager
def load(url: str, *, callers: int = 4, retries: int = 0) -> Iterator[Load]:
    """Callers who ask one after the other until the block ends."""
    outcome, over = Load(), Event()

    def ask() -> None:
        with Client(url, retries=retries, timeout=60, longest_wait=30) as client:
            while not over.is_set():
                try:
                    client.predict(PICTURE, model="mbv2_simam")
                    outcome.answers += 1
                except FoveaError as error:
                    outcome.failures.append(f"{type(error).__name__}: {error}")

    with ThreadPoolExecutor(callers) as pool:
        waiting = [pool.submit(ask) for _ in range(callers)]
        try:
            yield outcome
        finally:
            over.set()
    for one in waiting:
        one.result()
