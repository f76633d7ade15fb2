"""Single flight: of those who want the same at the same time one computes it, and all have it."""

import asyncio
import copy
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from service.errors import GatewayError, ImageTooLarge, UnreadableImage
from service.values import Deadline

T = TypeVar("T")

ALIKE = (ImageTooLarge, UnreadableImage)  # whoever sends these bytes is told the same
Turn = asyncio.Future["T | GatewayError | None"]  # None: the one who waits is to compute it now


class Flights(Generic[T]):
    """What is being computed, and who waits for it.

    The one who computes does so as if he were alone, within his own deadline. If that fails, or he
    leaves, one of those who wait takes over and the others wait on: a failure that says nothing
    about the others is not theirs, and they do not all rush at the model at once either.
    """

    def __init__(self) -> None:
        self._waiting: dict[Hashable, deque[Turn[T]]] = {}

    async def share(
        self, key: Hashable, compute: Callable[[], Awaitable[T]], deadline: Deadline
    ) -> tuple[T, bool]:
        """What ``compute`` gives, and whether it was somebody else's.

        Raises:
            TimeoutError: ``deadline`` passed while another was at it.
            GatewayError: what ``compute`` raises; somebody else's only where it is about the image.
        """
        if key in self._waiting:
            landed = await self._wait(key, deadline)
            if isinstance(landed, GatewayError):
                raise copy.copy(landed) from landed.__cause__  # each with a traceback of its own
            if landed is not None:
                return landed, True
        else:
            self._waiting[key] = deque()
        return await self._lead(key, compute), False

    async def _lead(self, key: Hashable, compute: Callable[[], Awaitable[T]]) -> T:
        try:
            value = await compute()
        except ALIKE as error:
            self._land(key, error)
            raise
        except BaseException:
            self._hand_on(key)
            raise
        self._land(key, value)
        return value

    async def _wait(self, key: Hashable, deadline: Deadline) -> T | GatewayError | None:
        turn: Turn[T] = asyncio.get_running_loop().create_future()
        self._waiting[key].append(turn)
        try:
            async with asyncio.timeout(deadline.remaining_seconds()):
                return await turn
        except (asyncio.CancelledError, TimeoutError):
            if turn.done() and not turn.cancelled() and turn.result() is None:  # just now
                self._hand_on(key)
            raise

    def _land(self, key: Hashable, outcome: T | GatewayError) -> None:
        for turn in self._waiting.pop(key):
            if not turn.done():
                turn.set_result(outcome)

    def _hand_on(self, key: Hashable) -> None:
        waiting = self._waiting[key]
        while waiting:
            turn = waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        del self._waiting[key]
