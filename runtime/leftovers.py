"""Names for what a server leaves on this machine, so that a killed one's remains can be swept."""

import os
import re
import shutil
import signal
import tempfile
from contextlib import suppress
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  where Triton makes its regions, not a choice of ours
STUB = b"triton_python_backend_stub"
_OWNED = re.compile(r"fovea-triton-(\d+)-")


def prefix() -> str:
    """How the names of this process's folders and shared-memory regions begin."""
    return f"fovea-triton-{os.getpid()}-"


def sweep() -> None:
    """Remove the regions and folders of processes that are gone."""
    for folder in (SHARED_MEMORY, Path(tempfile.gettempdir())):
        for path in folder.glob("fovea-triton-*"):
            match = _OWNED.match(path.name)
            if match and not _is_running(int(match[1])):
                _remove(path)


def sweep_memory(prefix: str) -> None:
    """Remove the regions that a server of this process left, once it has ended."""
    for path in SHARED_MEMORY.glob(f"{prefix}*"):
        _remove(path)


def kill_stubs(prefix: str) -> None:
    """Kill the stubs that a server of this process left, once it has ended.

    They end with it, as a rule; now and then one goes on waiting for a server that was killed.
    """
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile, or is somebody else's
            command = (process / "cmdline").read_bytes().split(b"\0")
            if STUB in command[0] and f"/{prefix}/".encode() in command[0]:
                os.kill(int(process.name), signal.SIGKILL)


def _remove(path: Path) -> None:
    # Someone else's, or swept by another process meanwhile: neither is ours to report.
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(PermissionError, FileNotFoundError):
            path.unlink()


def _is_running(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()
