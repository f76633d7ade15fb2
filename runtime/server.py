"""One tritonserver process: start, wait until ready, stop, last log lines."""

import http.client
import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from runtime import leftovers, tether
from runtime.errors import StartError
from runtime.launch import TritonConfig, check_repository, server_arguments, server_environment
from runtime.layout import assemble
from runtime.log import ServerLog
from runtime.ports import HOST
from runtime.wheel import locate

POLL_SECONDS = 0.1
SLACK_SECONDS = 5  # beyond the server's own exit timeout, before it is killed


@dataclass(frozen=True)
class _Run:
    """One life of the server."""

    process: "subprocess.Popen[bytes]"
    log: ServerLog
    folder: Path
    started_at: float = field(default_factory=time.monotonic)


class TritonProcess:
    """A tritonserver that serves a repository on loopback ports and never outlives this process.

    As a context manager it is ready inside the block. It can be started again after it ended, on
    the same ports. Start it from the main thread (see `tether`).

    Raises MissingPartError or RepositoryError on construction, StartError from `ready`.
    """

    def __init__(self, config: TritonConfig) -> None:
        check_repository(config)
        self.config = config
        self._wheel = locate()
        self._run: _Run | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
            while not self.ready():
                time.sleep(POLL_SECONDS)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def alive(self) -> bool:
        """Whether the process runs, ready or not.

        Asking also reaps a dead server, which its stubs wait for before they end themselves.
        """
        return self._run is not None and self._run.process.poll() is None

    def start(self) -> None:
        """Start the server and return at once; what an earlier run left is removed first."""
        self.stop()
        leftovers.sweep()
        folder = Path(tempfile.mkdtemp(prefix=leftovers.prefix()))
        layout = assemble(self._wheel, folder)
        arguments = server_arguments(self.config, layout, memory_prefix=folder.name)
        environment = server_environment(self.config, self._wheel, os.environ)
        reading, writing = os.pipe()
        with os.fdopen(writing, "wb") as output:
            process = tether.start(
                [self._wheel.server, *arguments],
                environment=environment,
                output=output,
                folder=layout.working,
            )
        self._run = _Run(process, ServerLog(os.fdopen(reading, "rb")), folder)

    def ready(self) -> bool:
        """Whether every model is loaded; raises StartError once that cannot happen any more."""
        if self._run is None:
            raise StartError("tritonserver was not started")
        if not self.alive:
            self._run.log.finish(timeout_seconds=1)
            status = self._run.process.returncode
            raise StartError(_explain(f"tritonserver ended with status {status}", self._run.log))
        if _answers_ready(self.config.ports.http):
            return True
        timeout = self.config.ready_timeout_seconds
        if time.monotonic() - self._run.started_at > timeout:
            what = f"tritonserver was not ready within {timeout:g} s"
            raise StartError(_explain(what, self._run.log))
        return False

    def stop(self) -> None:
        """End the server: it finishes what runs, and is killed if that takes too long."""
        if self._run is None:
            return
        run, self._run = self._run, None
        run.process.terminate()
        try:
            run.process.wait(self.config.exit_timeout_seconds + SLACK_SECONDS)
        except subprocess.TimeoutExpired:
            run.process.kill()
            run.process.wait()
        leftovers.kill_stubs(run.folder.name)
        run.log.finish(timeout_seconds=SLACK_SECONDS)
        shutil.rmtree(run.folder, ignore_errors=True)
        leftovers.sweep_memory(run.folder.name)

    def news(self) -> list[str]:
        """Progress and warnings since the last call."""
        return self._run.log.news() if self._run else []

    def last_lines(self) -> list[str]:
        """The last readable log lines of the current run."""
        return self._run.log.last_lines() if self._run else []


def _explain(what: str, log: ServerLog) -> str:
    """``what``, with the failed models' reasons or else the last log lines."""
    if log.failures:
        return "\n".join([what, *(f"  {name}: {why}" for name, why in log.failures.items())])
    return "\n  ".join([f"{what}; its last words:", *log.last_lines()])


def _answers_ready(http_port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, http_port, timeout=1)
    try:
        connection.request("GET", "/v2/health/ready")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
