"""Admission: a place for a prediction at once, after a short wait, or an immediate refusal.

A queue is good as long as it empties: it evens out a burst. One that stands adds latency and no
throughput (CoDel: Nichols and Jacobson, RFC 8289). So, as Facebook does it for requests (Maurer,
"Fail at Scale", ACM Queue, 2015), there are two bounds on the wait: while all goes well a newcomer
may wait ``queue_seconds``; once one had to be refused, and until there was none for a while, a
newcomer gets in only if its turn is next. How long it would wait is known beforehand from Little's
law, so it is refused at once and not after the wait. Of a model that is new nothing is known, and
nobody is refused until something is.
"""

import asyncio
import math
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

from service.congestion import AdaptiveLimit
from service.errors import GatewayError, Overloaded
from service.trace import Outcome
from service.values import Deadline

Clock = Callable[[], float]

STANDING = 10  # a refusal that is no longer ago than so many turns: the queue stands
PUNCTUAL = 2  # times the wait foreseen, after which a turn that did not come is given up
LONGEST_RETRY_SECONDS = 30
JITTER = 0.25  # so that those who were refused together do not return together
CONGESTION = {Outcome.OVERLOADED, Outcome.DEADLINE}


class Limiter:
    """The predictions of one model: those in flight, and those that wait for a place."""

    def __init__(
        self, model: str, limit: AdaptiveLimit, queue_seconds: float, clock: Clock
    ) -> None:
        self._model = model
        self._limit = limit
        self._queue_seconds = queue_seconds
        self._clock = clock
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._refused_at = -math.inf
        self._backlog_until = 0.0  # when all who were told to come back will have had their turn
        self.in_flight = 0
        self.shed = 0  # refused since the start

    @property
    def limit(self) -> int:
        """Predictions that may be in flight now."""
        return self._limit.value

    @property
    def queued(self) -> int:
        """Predictions that wait for a place."""
        return len(self._waiting)

    def check(self) -> None:
        """Refuse at once what would not be admitted now; it reserves nothing.

        Raises:
            Overloaded
        """
        if self._free() or not self._limit.learned:
            return
        gap = self._gap_seconds()
        standing = self._clock() - self._refused_at < STANDING * gap
        if (self.queued + 1) * gap > (gap if standing else self._patience_seconds()):
            raise self.overloaded(f"model {self._model!r} and its queue are full")

    @asynccontextmanager
    async def admit(self, deadline: Deadline, *, patient: bool = False) -> AsyncIterator[None]:
        """Hold one place while the block runs; first come, first served.

        The time the block takes is what the limit learns from, so it should hold the work on one
        image and nothing that waits for the caller. Whoever is ``patient`` waits until the deadline
        if need be, as do the images of a batch that was let in.

        Raises:
            Overloaded: at once, or when the place did not become free in time.
        """
        if self._free():
            self.in_flight += 1
        else:
            await self._turn(deadline, patient)
        started, in_flight = self._clock(), self.in_flight
        try:
            yield
        except BaseException as error:
            if self._congested(error, deadline):
                self._limit.back_off(started, self._clock())
            raise
        else:
            self._limit.observe(started, self._clock(), max(in_flight, self.in_flight))
        finally:
            self._release()

    def overloaded(self, detail: str) -> Overloaded:
        """The refusal; it counts as one, and promises the caller a turn after the others'."""
        self.shed += 1
        now = self._refused_at = self._clock()
        self._backlog_until = max(self._backlog_until, now) + self._gap_seconds()
        self._backlog_until = min(self._backlog_until, now + LONGEST_RETRY_SECONDS)
        jitter = random.uniform(1 - JITTER, 1)  # noqa: S311 - nothing secret
        seconds = math.ceil((self._backlog_until - now) * jitter)
        return Overloaded(
            detail,
            retry_after_seconds=max(seconds, 1),
            limit=self.limit,
            queued=self.queued,
        )

    def _free(self) -> bool:
        return not self._waiting and self.in_flight < self.limit

    def _gap_seconds(self) -> float:
        """Mean time between two that finish while the limit is reached (Little's law)."""
        return self._limit.latency_seconds / self.limit

    def _patience_seconds(self) -> float:
        """How long a burst may wait; of a slow model, one turn."""
        return max(self._queue_seconds, self._gap_seconds())

    async def _turn(self, deadline: Deadline, patient: bool) -> None:
        """Wait for a place, which is then held."""
        most_seconds = deadline.at - self._clock()
        if not patient:
            self.check()
            if self._limit.learned:
                most_seconds = min(most_seconds, PUNCTUAL * self._patience_seconds())
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(most_seconds):
                await turn
        except BaseException as error:
            self._give_up(turn)
            if isinstance(error, TimeoutError):
                detail = f"model {self._model!r} had no place free in time"
                raise self.overloaded(detail) from None
            raise

    def _give_up(self, turn: asyncio.Future[None]) -> None:
        if turn.done() and not turn.cancelled():  # the place came in the same moment
            self._release()
        else:
            with suppress(ValueError):
                self._waiting.remove(turn)

    def _release(self) -> None:
        self.in_flight -= 1
        while self._waiting and self.in_flight < self.limit:
            turn = self._waiting.popleft()
            if not turn.done():
                self.in_flight += 1
                turn.set_result(None)

    def _congested(self, error: BaseException, deadline: Deadline) -> bool:
        if isinstance(error, GatewayError):
            return error.outcome in CONGESTION
        # A timeout around the whole request arrives here as a cancellation.
        timed_out = isinstance(error, asyncio.CancelledError | TimeoutError)
        return timed_out and self._clock() >= deadline.at


class Limiters:
    """One Limiter a model, and a cap on all predictions together, from upload to answer."""

    def __init__(
        self,
        max_in_flight: int,
        queue_seconds: float,
        target_seconds: float,
        clock: Clock = time.monotonic,
    ) -> None:
        self._most = max_in_flight
        self._queue_seconds = queue_seconds
        self._target_seconds = target_seconds
        self._clock = clock
        self.by_model: dict[str, Limiter] = {}  # names are Triton's, so there are not many
        self.present = 0  # uploading, waiting or in flight
        self._left_at = -math.inf  # when the last one went

    @contextmanager
    def enter(self, model: str) -> Iterator[Limiter]:
        """Count one prediction for ``model`` as present while the block runs, before its body.

        Raises:
            Overloaded: at once, where the cap is reached or the model's Limiter would refuse now.
        """
        limiter = self.of(model)
        if self.present >= self._most:
            raise limiter.overloaded(f"{self._most} predictions are present, which is the limit")
        limiter.check()
        self.present += 1
        try:
            yield limiter
        finally:
            self.present -= 1
            self._left_at = self._clock()

    def idle_seconds(self) -> float:
        """Since when no prediction is present; 0 while one is."""
        return 0.0 if self.present else self._clock() - self._left_at

    def of(self, model: str) -> Limiter:
        """The Limiter of ``model``, which Triton must know."""
        if model not in self.by_model:
            limit = AdaptiveLimit(self._most, self._target_seconds)
            self.by_model[model] = Limiter(model, limit, self._queue_seconds, self._clock)
        return self.by_model[model]
