"""What `make serve` starts, for tests: the supervisor with Triton and the gateway under it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

ROOT = Path(__file__).parents[2]
REPOSITORY = ROOT / "model_repository"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Stack:
    """A running supervisor and the address of its gateway."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def tree(self) -> list[psutil.Process]:
        root = psutil.Process(self.process.pid)
        return [root, *root.children(recursive=True)]

    def gateway(self) -> psutil.Process:
        return next(p for p in self.tree()[1:] if "service" in p.cmdline())

    def triton(self) -> psutil.Process:
        return next(p for p in self.tree() if p.name() == "tritonserver")

    def triton_port(self, option: str) -> int:
        """The port that the supervisor gave to ``http``, ``grpc`` or ``metrics``."""
        flag = f"--{option}-port="
        return int(next(a for a in self.triton().cmdline() if a.startswith(flag))[len(flag) :])

    def ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def wait(self, condition, seconds: float, what: str) -> float:
        """Seconds until ``condition()`` holds; the log's end is shown if it never does."""
        start = time.monotonic()
        while time.monotonic() - start < seconds:
            if condition():
                return time.monotonic() - start
            time.sleep(0.1)
        raise AssertionError(f"{what} not within {seconds} s\n{self.log.read_text()[-3000:]}")


@contextmanager
def serve(
    log: Path, models: str = "mbv2_simam", repository: Path = REPOSITORY, **environment: str
) -> Iterator[Stack]:
    """The command line of `make serve`, on a free port, until the block ends.

    Its queue is patient: the machine may be busy, and only tests of overload are about refusals.
    """
    environment = {"FOVEA_QUEUE_SECONDS": "30"} | environment
    port = free_port()
    command = [sys.executable, "-m", "runtime", "--repository", str(repository)]
    command += ["--models", models, "--", sys.executable, "-m", "service", "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, cwd=ROOT, env=os.environ | environment
        )
    stack = Stack(process, f"http://127.0.0.1:{port}", log)
    try:
        stack.wait(lambda: stack.ready() or process.poll() is not None, 120, "readiness")
        assert process.poll() is None, log.read_text()[-3000:]
        yield stack
    finally:
        process.terminate()
        process.wait(60)
