"""Work off the event loop: a few threads, and a budget of the memory that they may fill."""

import asyncio
import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")

# Parts of the memory: what is kept for work that needs little, so that it never waits behind what
# needs much, and how much is little. By default 24 MB, and 8 MB: a picture of a megapixel.
KEPT, LITTLE = 0.06, 0.02
NICENESS = 5  # of the threads: under overload refusals take 2 ms in the median instead of 15


class Budget:
    """Bytes that may be in use at once; whoever asks for more waits, first come, first served.

    Its methods belong on the event loop.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self._free = total
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def take(self, amount: int) -> None:
        """Return once ``amount`` bytes are the caller's, who must give them back.

        More than the total is cut down to it: then nobody else has any.
        """
        amount = min(amount, self.total)
        if not amount or (amount <= self._free and not self._waiting):
            self._free -= amount
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((amount, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # the bytes were ours already
                self._free += amount
            with suppress(ValueError):
                self._waiting.remove((amount, turn))
            self._serve()
            raise

    def give(self, amount: int) -> None:
        """Put back what ``take`` was asked for."""
        self._free += min(amount, self.total)
        self._serve()

    def _serve(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._free:
            amount, turn = self._waiting.popleft()
            if not turn.done():
                self._free -= amount
                turn.set_result(None)


class Pool:
    """Threads for what takes the processor a millisecond or more."""

    def __init__(self, threads: int, max_bytes: int) -> None:
        self._threads = ThreadPoolExecutor(threads, "decode", initializer=_step_back)
        kept = int(max_bytes * KEPT)
        self._little = int(max_bytes * LITTLE)
        self._small, self._large = Budget(kept), Budget(max_bytes - kept)

    async def run(self, work: Callable[..., T], *arguments: object, memory: int = 0) -> T:
        """``work(*arguments)`` on a thread, as soon as ``memory`` bytes are free for it.

        Work whose caller is cancelled does not begin; what has begun keeps its memory to its end.
        """
        budget = self._small if memory <= self._little else self._large
        await budget.take(memory)
        try:
            future = self._threads.submit(work, *arguments)
        except RuntimeError:  # closed
            budget.give(memory)
            raise
        try:
            return await asyncio.wrap_future(future)
        finally:
            if future.done():
                budget.give(memory)
            else:
                _give_when_done(budget, future, memory)

    def close(self) -> None:
        """Let the threads finish what they do."""
        self._threads.shutdown()


def _give_when_done(budget: Budget, future: Future[T], memory: int) -> None:
    loop = asyncio.get_running_loop()

    def give(_: Future[T]) -> None:
        with suppress(RuntimeError):  # the loop has ended meanwhile, and its budget with it
            loop.call_soon_threadsafe(budget.give, memory)

    future.add_done_callback(give)


def _step_back() -> None:
    """Let the event loop go first where cores are short: answers and refusals are quick to give."""
    with suppress(OSError):  # only Linux knows priorities of threads
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
