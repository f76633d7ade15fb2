"""Several gateway processes behind one port: a parent that starts, watches and replaces them.

The parent binds the port and serves nobody. Its workers accept from the one socket that they
inherit, so a connection waits for whichever of them is free, and a worker that leaves takes none
along. (With SO_REUSEPORT each would have a queue of its own, which the kernel resets when the
worker closes it.) A worker is this same program, started anew, so it runs the code of its time.
"""

import asyncio
import logging
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager

from service.settings import Settings, shared_folder, with_shared_folder
from service.worker import Worker, start

LATE_SECONDS = 5.0  # beyond what a worker may take to end
MEMORY_SECONDS = 60.0  # so long a death makes the next worker wait longer
PAUSES = (0.1, 0.5, 1.0, 2.0, 4.0, 8.0)  # before a worker is started again, by recent deaths

log = logging.getLogger(__name__)


class Workers:
    """Keeps ``settings.workers`` processes of ``command`` serving until a signal ends them.

    SIGTERM and SIGINT end all; SIGHUP is passed on; SIGUSR2 replaces one worker after the other,
    each by one that already serves.
    """

    def __init__(
        self, settings: Settings, command: Sequence[str], listener: asyncio.Server, folder: str
    ) -> None:
        self._settings = settings
        self._command = command
        self._listener = listener
        self._environment = with_shared_folder(folder)
        self._started: set[Worker] = set()  # and not ended
        self._serving: set[Worker] = set()  # of these, none that comes up or leaves
        self._deaths: deque[float] = deque(maxlen=len(PAUSES))
        self._over = asyncio.Event()
        self._renewal = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._patience_seconds = settings.drain_seconds + settings.shutdown_seconds + LATE_SECONDS
        self._failure = 1  # exit status of the last worker that could not start
        self._status = 0

    async def run(self) -> int:
        """Serve until the end; the exit status, which is that of a worker that could not start."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop, number)
        loop.add_signal_handler(signal.SIGHUP, self._pass_on, signal.SIGHUP)
        loop.add_signal_handler(signal.SIGUSR2, self._renewal.set)
        self._do(self._start_all())
        await self._over.wait()
        await self._end()
        return self._status

    async def _start_all(self) -> None:
        first = await self._start()  # one alone says what is wrong, if it is
        count = self._settings.workers - 1 if first else 0
        others = await asyncio.gather(*(self._start() for _ in range(count)))
        up = [worker for worker in (first, *others) if worker is not None]
        if len(up) < self._settings.workers:
            self._give_up()
            return
        for worker in up:
            self._put_to_work(worker)
        print(up[0].welcome, end="", flush=True)  # noqa: T201 - for people
        self._do(self._renew())

    async def _start(self) -> Worker | None:
        """A worker that accepts, or None where it could not start."""
        if self._over.is_set():
            return None
        sockets = [socket.fileno() for socket in self._listener.sockets]
        try:
            worker = await start(self._command, self._environment, sockets)
        except OSError as error:  # no memory, say
            log.error("no worker could be started: %s", error)  # noqa: TRY400 - the cause is told
            return None
        self._started.add(worker)
        if self._over.is_set():
            worker.send(signal.SIGTERM)
        await worker.come_up()
        if worker.welcome:
            log.info("a worker is up", extra={"pid": worker.pid})
            return worker
        self._started.discard(worker)
        if not self._over.is_set():
            log.error("a worker could not start", extra={"pid": worker.pid, "exit": worker.status})
            self._failure = max(worker.status or 1, 1)  # a signal's is negative
        return None

    def _put_to_work(self, worker: Worker) -> None:
        self._serving.add(worker)
        self._do(self._watch(worker))

    async def _watch(self, worker: Worker) -> None:
        """When it ends unasked, start another, after a pause that grows with the deaths."""
        status = await worker.ended()
        self._started.discard(worker)
        if worker not in self._serving or self._over.is_set():
            return
        self._serving.remove(worker)
        log.error("a worker ended unasked", extra={"pid": worker.pid, "exit": status})
        while True:
            await asyncio.sleep(self._pause())
            fresh = await self._start()
            if fresh is not None:
                self._put_to_work(fresh)
                return
            if not self._serving:
                self._give_up()

    def _pause(self) -> float:
        now = time.monotonic()
        while self._deaths and now - self._deaths[0] > MEMORY_SECONDS:
            self._deaths.popleft()
        self._deaths.append(now)
        return PAUSES[len(self._deaths) - 1]

    async def _renew(self) -> None:
        """Replace all that serve whenever that is asked for, and again if asked meanwhile."""
        while True:
            await self._renewal.wait()
            self._renewal.clear()
            log.info("rolling restart")
            for worker in list(self._serving):
                if not await self._replace(worker):
                    log.error("rolling restart given up; the old workers stay")
                    break
            else:
                log.info("rolling restart complete")

    async def _replace(self, worker: Worker) -> bool:
        """Have another serve, and only then let this one go; it stays if no other came up."""
        fresh = await self._start()
        if fresh is None:
            return False
        # If it died meanwhile, another is being started in its place already.
        leaving = worker if worker in self._serving else fresh
        self._put_to_work(fresh)
        self._serving.remove(leaving)
        leaving.send(signal.SIGUSR2)
        await leaving.ends_within(self._patience_seconds)
        return True

    def _pass_on(self, number: int) -> None:
        for worker in self._started:
            if worker.welcome:  # one that is not prepared would be killed
                worker.send(number)

    def _give_up(self) -> None:
        """End, because nobody serves and nobody can be started."""
        if not self._over.is_set():
            self._status = self._failure
            self._stop(signal.SIGTERM)

    def _stop(self, number: int) -> None:
        """Tell all; when the last of them has closed the socket, nobody listens."""
        self._over.set()
        self._listener.close()
        for worker in self._started:
            worker.send(number)

    async def _end(self) -> None:
        """Wait until all have ended, and kill those that are late."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(w.ends_within(self._patience_seconds) for w in self._started))

    def _do(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("the parent failed", exc_info=error)
            self._give_up()


async def supervise(settings: Settings) -> int:
    """Run this same command line as ``settings.workers`` workers; the exit status.

    Raises:
        OSError: the port cannot be bound.
    """
    listener = await asyncio.get_running_loop().create_server(
        asyncio.Protocol, settings.host, settings.port, start_serving=False
    )  # bound and no more: the first worker listens
    command = [sys.executable, *sys.orig_argv[1:]]
    with _metrics_folder() as folder:
        return await Workers(settings, command, listener, folder).run()


@contextmanager
def _metrics_folder() -> Iterator[str]:
    """Where the metrics of the workers add up: the folder that was given, or one for the while."""
    given = shared_folder()
    if given is not None:
        yield str(given)
        return
    with tempfile.TemporaryDirectory(prefix="fovea-metrics-") as folder:
        yield folder
