"""Discrete-event models of what stands behind a Limiter, and of those who ask."""

import asyncio
import random
from collections import deque
from dataclasses import dataclass, field

from service.errors import Overloaded
from service.limiter import Limiters
from service.values import Deadline
from tests.service.virtual_time import clock

MODEL = "signs"


@dataclass
class Workers:
    """``count`` workers that take one request each, in times that vary by a third."""

    count: int
    mean_seconds: float
    seed: int = 1
    slower: float = 1.0  # a factor on every time, which may change
    _free: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._free = asyncio.Semaphore(self.count)
        self._random = random.Random(self.seed)

    @property
    def capacity(self) -> float:
        return self.count / self.mean_seconds

    async def run(self) -> None:
        async with self._free:
            await asyncio.sleep(self.slower * self._random.gammavariate(9, self.mean_seconds / 9))


class Batching:
    """One instance that takes what waits, up to ``most``, in fixed + each × number seconds."""

    def __init__(self, most: int, fixed: float, each: float) -> None:
        self.most, self.fixed, self.each = most, fixed, each
        self.slower = 1.0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._busy = False

    @property
    def capacity(self) -> float:
        return self.most / (self.fixed + self.each * self.most)

    async def run(self) -> None:
        done = asyncio.get_running_loop().create_future()
        self._waiting.append(done)
        if not self._busy:
            self._busy = True
            self._start()
        await done

    def _start(self) -> None:
        batch = [self._waiting.popleft() for _ in range(min(self.most, len(self._waiting)))]
        if not batch:
            self._busy = False
            return
        seconds = self.slower * (self.fixed + self.each * len(batch))
        asyncio.get_running_loop().call_later(seconds, self._finish, batch)

    def _finish(self, batch: list[asyncio.Future[None]]) -> None:
        for done in batch:
            if not done.done():
                done.set_result(None)
        self._start()


@dataclass
class Seen:
    """What callers saw; seconds from asking to the answer."""

    answered: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    retry_after: list[int] = field(default_factory=list)

    def within(self, seconds: float) -> int:
        return sum(took <= seconds for took in self.answered)

    def p99(self) -> float:
        return sorted(self.answered)[int(len(self.answered) * 0.99)]


async def ask(limiters: Limiters, server: Workers | Batching, seen: Seen) -> None:
    began = clock()
    try:
        with limiters.enter(MODEL) as limiter:
            async with limiter.admit(Deadline(began + 10)):
                await server.run()
    except Overloaded as error:
        seen.refused.append(clock() - began)
        seen.retry_after.append(error.retry_after_seconds or 0)
    else:
        seen.answered.append(clock() - began)


async def load(
    limiters: Limiters, server: Workers | Batching, rate: float, seconds: float, seed: int = 7
) -> Seen:
    """Poisson arrivals, ``rate`` a second; what they saw."""
    seen, arrivals = Seen(), random.Random(seed)
    ends = clock() + seconds
    async with asyncio.TaskGroup() as group:
        while clock() < ends:
            group.create_task(ask(limiters, server, seen))
            await asyncio.sleep(arrivals.expovariate(rate))
    return seen
