"""Candidates see some of the images that others have answered, when nobody else waits.

An answer never waits for a candidate: what is handed over goes into a queue, and what does not fit
is dropped. One image is shown at a time, only while no prediction is present, and candidates take
no more of the time than the routing file grants.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from service.decision import Decision
from service.predicting import Predicting
from service.routing.spec import AUTO
from service.shadow.record import Shadows
from service.shadow.tryout import Handed, Tryout
from service.shadow.watcher import Cause
from service.trace import Trace
from service.values import Choice, Deadline, Result, Upload, Wish

MOST_WAITING = 32
MOST_BYTES = 16_000_000  # of the files that wait
WAIT_SECONDS = 5.0  # from the answer to the candidate's turn
LOOK_SECONDS = 0.01  # between two looks whether the gateway is idle
BUSY_OF_AUTO = 0.05  # of the time, for the policy's cold models

log = logging.getLogger(__name__)


class Mirrored:
    """A Predicting that hands over to ``candidates`` what ``inner`` has answered.

    ``idle`` tells whether no prediction is present; ``observe`` is told each candidate's seconds.
    """

    def __init__(  # noqa: PLR0913 - all that a candidate's run depends on
        self,
        inner: Predicting,
        *,
        candidates: Predicting,
        shadows: Shadows,
        idle: Callable[[], bool],
        observe: Callable[[str, float], None],
        timeout_seconds: float,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._inner = inner
        self._shadows = shadows
        self._idle = idle
        self._clock = clock
        self._tryout = Tryout(candidates, shadows, observe, timeout_seconds, clock)
        self._waiting: deque[Handed] = deque()
        self._bytes = 0
        self._arrived = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def predict(  # noqa: PLR0913 - what a prediction is made of
        self,
        decision: Decision,
        wish: Wish,
        upload: Upload,
        trace: Trace,
        deadline: Deadline,
        *,
        patient: bool = False,
    ) -> Result:
        """What ``inner`` answers; the candidates see the image later, if at all."""
        result = await self._inner.predict(decision, wish, upload, trace, deadline, patient=patient)
        for mirror in decision.mirrors:
            primary = _answerer(decision, result, mirror.choice)
            if primary is not None and mirror.choice.recipe.task is result.task:
                self._hand_over(
                    Handed(
                        mirror=mirror,
                        primary=primary,
                        answer=replace(result, picture=None),
                        wish=wish,
                        upload=upload,
                        trace=trace,
                        at=self._clock(),
                    )
                )
        return result

    async def run(self) -> None:
        """Show candidates what waits, one image after the other, until cancelled or closed."""
        self._task = asyncio.current_task()
        while True:
            while not self._waiting:
                self._arrived.clear()
                await self._arrived.wait()
            handed = self._waiting.popleft()
            self._bytes -= handed.size
            try:
                await self._take_up(handed)
            except Exception:  # whatever is wrong with one image, the next one has its turn
                log.exception("a candidate could not be tried out", extra={"shadow": handed.shadow})

    def close(self) -> None:
        """Drop what waits, and stop what runs."""
        self._waiting.clear()
        self._bytes = 0
        if self._task is not None:
            self._task.cancel()

    def _hand_over(self, handed: Handed) -> None:
        share = self._share(handed.shadow)
        if share is None:
            return
        size = self._bytes + handed.size
        if not self._shadows.record(handed.shadow).allowance.left(share):
            self._shadows.dropped(handed.shadow, Cause.BUDGET)
        elif len(self._waiting) >= MOST_WAITING or size > MOST_BYTES:
            self._shadows.dropped(handed.shadow, Cause.FULL)
        else:
            self._waiting.append(handed)
            self._bytes = size
            self._arrived.set()

    async def _take_up(self, handed: Handed) -> None:
        """Show it when its turn comes, or drop it."""
        cause = await self._refusal(handed)
        if cause is None:
            await self._tryout.show(handed)
        else:
            self._shadows.dropped(handed.shadow, cause)

    async def _refusal(self, handed: Handed) -> Cause | None:
        """Why it cannot be shown, once that is known; None as soon as it can."""
        until = handed.at + WAIT_SECONDS
        if self._clock() > until:
            return Cause.LATE
        while not self._idle():
            if self._clock() > until:
                return Cause.BUSY
            await asyncio.sleep(LOOK_SECONDS)
        allowance = self._shadows.record(handed.shadow).allowance
        return None if allowance.left(self._share(handed.shadow) or 0.0) else Cause.BUDGET

    def _share(self, shadow: str) -> float | None:
        """Of the time, that its candidates may take; None where there is no such shadow."""
        if shadow == AUTO:
            return BUSY_OF_AUTO
        settings = self._shadows.settings.get(shadow)
        return None if settings is None else settings.busy


def _answerer(decision: Decision, result: Result, candidate: Choice) -> Choice | None:
    """Who answered, with the version that did; None where it was the candidate itself."""
    for choice in (decision.choice, *decision.fallbacks):
        if choice.model == result.model and choice.version in ("", result.version):
            same = choice.model == candidate.model
            if same and candidate.version in (choice.version, result.version):
                return None
            return replace(choice, version=result.version)
    return None
