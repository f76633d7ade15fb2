"""Names for what a server leaves on this machine, so that a killed one's remains can be swept."""

import os
import re
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  where Triton makes its regions, not a choice of ours
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


def _remove(path: Path) -> None:
    # Someone else's, or swept by another process meanwhile: neither is ours to report.
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(PermissionError, FileNotFoundError):
            path.unlink()


def _is_running(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()
