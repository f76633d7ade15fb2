"""Work that must be done by a deadline, and the failure that says it was not."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from service.errors import BodyTimeout, DeadlineExceeded
from service.trace import Trace
from service.values import Deadline

T = TypeVar("T")


async def within(deadline: Deadline, trace: Trace, work: Awaitable[T]) -> T:
    """What ``work`` gives.

    Raises:
        DeadlineExceeded: with the stage that was under way, and what each stage has taken.
    """
    try:
        async with asyncio.timeout(deadline.remaining_seconds()):
            return await work
    except (TimeoutError, DeadlineExceeded) as error:
        raise DeadlineExceeded.of(trace) from error


async def arriving(deadline: Deadline, work: Awaitable[T]) -> T:
    """What ``work`` on a body gives, which may still be on its way.

    Raises:
        BodyTimeout
    """
    try:
        async with asyncio.timeout(deadline.remaining_seconds()):
            return await work
    except TimeoutError:
        raise BodyTimeout("the body did not arrive in time") from None
