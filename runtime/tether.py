"""Run a command that the kernel kills when the process that started it is gone.

Used as `python -I tether.py PARENT COMMAND...`: it ties itself to PARENT and becomes COMMAND. The
tie (PR_SET_PDEATHSIG, see prctl(2)) holds through exec and needs nobody alive to act on it, so it
works when the parent is killed with SIGKILL too. It is to the *thread* that started the command:
start tethered commands from a main thread.
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1


def start(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str],
    output: IO[bytes] | int | None = None,
    folder: Path | None = None,
) -> "subprocess.Popen[bytes]":
    """Start ``command`` tethered to this process, in a process group of its own.

    In a group of its own, Ctrl-C in a terminal reaches only us, and we decide who ends first.
    """
    return subprocess.Popen(  # noqa: S603  the command is the point of it
        [sys.executable, "-I", __file__, str(os.getpid()), *map(str, command)],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output else None,
        cwd=folder,
        process_group=0,
    )


def tie_to(parent: int) -> None:
    """Ask for SIGKILL at the parent's end; leave at once when it has ended already."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        sys.exit(1)


def main() -> None:
    """Become the command, or end with 127 as a shell does when it cannot be run."""
    parent, *command = sys.argv[1:]
    tie_to(int(parent))
    try:
        os.execvp(command[0], command)  # noqa: S606  no shell is wanted
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        sys.exit(127)


if __name__ == "__main__":
    main()
