"""One of several gateway processes, as its parent sees it.

Its standard streams are what ties the two together: its first lines tell that it accepts, and when
its input ends, the parent has.
"""

import asyncio
import logging
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress

START_SECONDS = 60.0  # to come up, after which it is taken for failed
WELCOME_LINES = 2

log = logging.getLogger(__name__)


class Worker:
    """A process that serves, or is about to, or has."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = process.pid
        self.welcome = ""  # what it says once it accepts

    @property
    def status(self) -> int | None:
        """Its exit status; None while it lives."""
        return self._process.returncode

    async def come_up(self) -> None:
        """Return when it accepts or has ended; one that does neither is killed."""
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        try:
            async with asyncio.timeout(START_SECONDS):
                lines = [await self._process.stdout.readline() for _ in range(WELCOME_LINES)]
        except TimeoutError:
            self.send(signal.SIGKILL)
            lines = [b""]
        if not all(lines):
            await self.ended()
        else:
            self.welcome = b"".join(lines).decode()

    async def ended(self) -> int:
        """Its exit status, once it has one."""
        return await self._process.wait()

    async def ends_within(self, seconds: float) -> None:
        """Return when it has ended; if that takes longer, it is killed."""
        try:
            async with asyncio.timeout(seconds):
                await self.ended()
        except TimeoutError:
            log.error("a worker did not end in time", extra={"pid": self.pid})  # noqa: TRY400
            self.send(signal.SIGKILL)
            await self.ended()

    def send(self, number: int) -> None:
        """A signal, if it still lives."""
        with suppress(ProcessLookupError):
            self._process.send_signal(number)


async def start(
    command: Sequence[str], environment: Mapping[str, str], sockets: Sequence[int]
) -> Worker:
    """A process of ``command`` that inherits ``sockets``, and finds their numbers as ``--fd``.

    Raises:
        OSError: there can be no more processes.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        *(f"--fd={number}" for number in sockets),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        pass_fds=sockets,
        env=environment,
        process_group=0,  # Ctrl-C in a terminal is for the parent, which tells the others
    )
    return Worker(process)
