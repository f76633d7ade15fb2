"""`python -m runtime` as a process: who ends with whom, and what is restarted."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import psutil
import pytest
from tritonclient.grpc import InferenceServerClient, InferInput

from runtime import leftovers
from runtime.ports import Ports
from tests.runtime import tiny

ROOT = Path(__file__).parents[2]

# Writes its address, waits for SIGTERM, then still uses Triton and says so by its status.
PATIENT_COMMAND = """
import os, signal, socket, sys, time
def last_words(*_):
    host, port = os.environ["FOVEA_TRITON_URL"].split(":")
    time.sleep(0.5)
    socket.create_connection((host, int(port))).close()
    sys.exit(7)
signal.signal(signal.SIGTERM, last_words)
print("command runs", flush=True)
while True: time.sleep(0.1)
"""


class Running:
    """A supervisor with what it printed so far."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path, ports: Ports) -> None:
        self.process = psutil.Process(process.pid)
        self.wait = process.wait
        self.log = log
        self.ports = ports

    def until(self, condition: Callable[[], bool], seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.05)

    def says(self, text: str, times: int = 1) -> None:
        self.until(lambda: self.log.read_text().count(text) >= times)

    def triton(self) -> psutil.Process:
        return next(p for p in self.process.children() if p.name() == "tritonserver")

    def family(self) -> list[psutil.Process]:
        """Triton, its stubs and the command."""
        return self.process.children(recursive=True)


@pytest.fixture
def supervise(tmp_path: Path, adder: Path) -> Iterator[Callable[..., Running]]:
    """Start a supervisor in a folder whose model.py would break any stub that imported it."""
    (tmp_path / "model.py").write_text("raise ImportError('the wrong model.py')")
    started: list[subprocess.Popen[bytes]] = []

    def start(*command: str, repository: Path = adder) -> Running:
        ports = Ports.choose()
        log = tmp_path / f"log{len(started)}"
        arguments = [sys.executable, "-m", "runtime", "--repository", str(repository)]
        arguments += ["--http-port", str(ports.http), "--grpc-port", str(ports.grpc)]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*arguments, *(["--", *command] if command else [])],
                stdout=output,
                stderr=output,
                cwd=tmp_path,
                env={"PYTHONPATH": f"{ROOT}:{tmp_path}", "PATH": "/usr/bin:/bin"},
            )
        started.append(process)
        return Running(process, log, ports)

    yield start
    for process in started:
        process.kill()
        process.wait()


def runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def gone(family: Sequence[psutil.Process], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while any(map(runs, family)) and time.monotonic() < end:
        time.sleep(0.05)
    return not any(map(runs, family))


def memory_of(pid: int) -> list[Path]:
    return list(leftovers.SHARED_MEMORY.glob(f"fovea-triton-{pid}-*"))


def add(port: int) -> np.ndarray:
    with InferenceServerClient(f"127.0.0.1:{port}") as client:
        tensor = InferInput("INPUT__0", (1, 3), "FP32")
        tensor.set_data_from_numpy(np.zeros((1, 3), np.float32))
        return client.infer("add", [tensor]).as_numpy("OUTPUT__0")


def test_a_killed_triton_is_restarted_and_a_stop_lets_the_command_finish_first(supervise):
    running = supervise(sys.executable, "-c", PATIENT_COMMAND)
    running.says("command runs")
    command = next(p for p in running.process.children() if "-c" in p.cmdline())
    running.triton().kill()
    running.says("Triton is ready", times=2)
    np.testing.assert_array_equal(add(running.ports.grpc), [[1, 1, 1]])
    assert command.is_running()
    family = running.family()
    running.process.terminate()
    assert running.wait(30) == 7
    assert gone(family, 1)
    assert not memory_of(running.process.pid)


def test_a_killed_supervisor_leaves_nothing_running(supervise):
    running = supervise("sleep", "1000")
    running.says("starting sleep")
    family = running.family()
    assert len(family) == 3, "Triton, its one stub and the command"
    running.process.kill()
    assert gone(family, 5)


def test_everything_killed_at_once_leaves_memory_only_until_the_next_sweep(supervise):
    running = supervise()
    running.says("Triton is ready")
    for process in [running.process, *running.family()]:
        process.kill()
    running.wait()
    assert memory_of(running.process.pid)
    leftovers.sweep()
    assert not memory_of(running.process.pid)


def test_a_killed_command_ends_triton_and_gives_its_status(supervise):
    running = supervise("bash", "-c", "echo at $FOVEA_TRITON_URL; kill -9 $$")
    assert running.wait(60) == 128 + signal.SIGKILL
    assert f"at 127.0.0.1:{running.ports.grpc}\n" in running.log.read_text()


def test_a_triton_that_cannot_come_back_ends_the_command_too(supervise, tmp_path):
    tiny.add_adder(tmp_path / "repository")
    running = supervise("sleep", "1000", repository=tmp_path / "repository")
    running.says("starting sleep")
    family = running.family()
    (tmp_path / "repository").rename(tmp_path / "elsewhere")
    running.triton().kill()
    assert running.wait(60) == 1
    assert "Triton ended 5 times in a row" in running.log.read_text()
    assert gone(family, 1)


def test_a_signal_while_triton_starts_ends_it(supervise):
    running = supervise("sleep", "1000")
    running.says("loading add")
    family = running.family()
    running.process.send_signal(signal.SIGINT)
    assert running.wait(30) == 128 + signal.SIGINT
    assert gone(family, 1)


def test_an_unknown_model_is_named_with_those_there(adder):
    command = [sys.executable, "-m", "runtime", "--repository", str(adder), "--models", "sub"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert result.returncode == 1
    assert f"there is no model 'sub': {adder} holds add" in result.stderr
