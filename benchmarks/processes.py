"""Servers under measurement: started, found with all their children, ended without a trace."""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from runtime import tether

ROOT = Path(__file__).parents[1]
STOP_SECONDS = 30  # for a server to end in its own way
ORPHAN_SECONDS = 2  # for what it leaves behind


@contextmanager
def running(
    command: Sequence[str], environment: Mapping[str, str], log: Path
) -> Iterator[psutil.Process]:
    """``command`` in the repository's root, until the block ends; no child of it outlives that."""
    with log.open("wb") as output:
        process = tether.start(
            command, environment=os.environ | environment, output=output, folder=ROOT
        )
    try:
        yield psutil.Process(process.pid)
    finally:
        _end(process)


def family(root: psutil.Process) -> list[psutil.Process]:
    """``root`` and all its children, theirs included; nothing once it has ended."""
    try:
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def cpu_seconds(root: psutil.Process) -> float:
    """Processor time that ``root`` and its children have used so far."""
    total = 0.0
    for process in family(root):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def resident_mib(process: psutil.Process) -> float:
    """Resident memory in MiB."""
    return float(process.memory_info().rss) / 2**20


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Ask it to end, and kill what is left: some servers leave their workers behind."""
    children = family(psutil.Process(process.pid))[1:] if process.poll() is None else []
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _, orphans = psutil.wait_procs({*children, *_group(process.pid)}, timeout=ORPHAN_SECONDS)
    for orphan in orphans:
        orphan.kill()
    psutil.wait_procs(orphans)


def _group(leader: int) -> list[psutil.Process]:
    """The processes of the group that ``leader`` was put at the head of."""
    members = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == leader:
                members.append(process)
        except ProcessLookupError:
            continue
    return members
