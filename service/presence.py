"""Whether the caller is still there: nobody works for somebody who has gone."""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from starlette.requests import ClientDisconnect


class Presence:
    """Inside the block, the task is cancelled when ``leaving`` ends, and ClientDisconnect raised.

    A context manager by hand and one task: this is on every request's way.
    """

    def __init__(self, leaving: Callable[[], Awaitable[object]]) -> None:
        self._leaving = leaving
        self._left = False
        self._over = False

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("there is no task to cancel")
        self._task = task
        self._watch = asyncio.ensure_future(self._leaving())
        self._watch.add_done_callback(self._cancel)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over = True
        self._watch.cancel()
        # Cancelled by somebody else too, as a deadline does, it remains cancelled.
        if self._left and kind is asyncio.CancelledError and not self._task.uncancel():
            raise ClientDisconnect from None

    def _cancel(self, _: "asyncio.Future[object]") -> None:
        if not self._over:
            self._left = True
            self._task.cancel()
