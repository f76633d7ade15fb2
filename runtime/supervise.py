"""Keep a Triton running for as long as a command runs, and end both in the right order."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from types import FrameType

from runtime import tether
from runtime.errors import RestartError, StartError
from runtime.ports import HOST
from runtime.server import POLL_SECONDS, TritonProcess

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
DRAIN_SECONDS = 30  # for the command to finish what it does, once told to stop
STABLE_SECONDS = 60  # a server that lived this long did not fail because of the last failure
BACKOFF_SECONDS = (0.5, 1.0, 2.0, 4.0)  # before each restart in a row; then we give up


class Supervisor:
    """Runs Triton and, once it is ready, one command that uses it.

    The command finds Triton's gRPC address in FOVEA_TRITON_URL. Triton is restarted when it dies
    and stopped after the command; a stop signal goes to the command first, so that its requests in
    flight still find Triton. Without a command Triton serves until a stop signal.
    """

    def __init__(
        self, triton: TritonProcess, command: Sequence[str], say: Callable[[str], None]
    ) -> None:
        self._triton = triton
        self._command = command
        self._say = say
        self._process: subprocess.Popen[bytes] | None = None
        self._signals: list[int] = []
        self._failures = 0
        self._ready_at = 0.0

    def run(self) -> int:
        """Serve until the command ends or a stop signal comes; the exit status.

        Raises StartError if Triton does not come up at first, RestartError if it keeps dying later.
        """
        for number in STOP_SIGNALS:
            signal.signal(number, self._on_signal)
        try:
            self._serve()
        finally:
            self._end_command()
            self._say("stopping Triton")
            self._triton.stop()
        return self._status()

    def _serve(self) -> None:
        self._bring_up()
        if self._command and not self._is_over():
            self._process = self._start_command()
        while not self._is_over():
            if self._triton.alive:
                self._pause(POLL_SECONDS)
            else:
                self._revive()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del frame
        self._signals.append(number)

    def _is_over(self) -> bool:
        ended = self._process is not None and self._process.poll() is not None
        return ended or bool(self._signals)

    def _pause(self, seconds: float) -> None:
        """Sleep, but pass on Triton's news and wake when all is over."""
        end = time.monotonic() + seconds
        while True:
            for line in self._triton.news():
                self._say(f"triton: {line}")
            left = end - time.monotonic()
            if left <= 0 or self._is_over():
                return
            time.sleep(min(left, POLL_SECONDS))

    def _bring_up(self) -> None:
        """Start Triton and wait until it is ready or all is over."""
        ports = self._triton.config.ports
        self._say("starting Triton")
        self._triton.start()
        while not self._triton.ready():
            self._pause(POLL_SECONDS)
            if self._is_over():
                return
        self._ready_at = time.monotonic()
        self._say(
            f"Triton is ready: HTTP {HOST}:{ports.http}, gRPC {HOST}:{ports.grpc}, "
            f"metrics {HOST}:{ports.metrics}"
        )

    def _start_command(self) -> "subprocess.Popen[bytes]":
        address = f"{HOST}:{self._triton.config.ports.grpc}"
        self._say(f"starting {' '.join(self._command)}")
        return tether.start(self._command, environment=os.environ | {"FOVEA_TRITON_URL": address})

    def _revive(self) -> None:
        """Start a dead Triton again after a pause, or raise RestartError."""
        for line in self._triton.last_lines():
            self._say(f"triton: {line}")
        if self._ready_at and time.monotonic() - self._ready_at > STABLE_SECONDS:
            self._failures = 0
        if self._failures == len(BACKOFF_SECONDS):
            raise RestartError(f"Triton ended {self._failures + 1} times in a row; giving up")
        delay = BACKOFF_SECONDS[self._failures]
        self._failures += 1
        self._say(f"Triton ended; restart {self._failures} in {delay:g} s")
        self._pause(delay)
        if self._is_over():
            return
        try:
            self._bring_up()
        except StartError as failure:
            self._say(str(failure))

    def _end_command(self) -> None:
        """Tell the command to stop and wait for it; kill it when late or on a second signal."""
        if self._process is None or self._process.poll() is not None:
            return
        self._say("stopping the command")
        self._process.terminate()
        end = time.monotonic() + DRAIN_SECONDS
        while self._process.poll() is None:
            if time.monotonic() > end or len(self._signals) > 1:
                self._process.kill()
            time.sleep(POLL_SECONDS)

    def _status(self) -> int:
        """The command's status; without one, that of an orderly end or an early signal."""
        if self._process is not None:
            status = self._process.returncode
            return status if status >= 0 else 128 - status
        return 128 + self._signals[0] if self._command else 0
