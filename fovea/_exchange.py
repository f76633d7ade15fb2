"""One call from its first attempt to its last: what is sent, repeated and raised."""

import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import httpx

from fovea._calls import Call
from fovea._errors import ConnectError, ConnectionLost, FoveaError
from fovea._translate import problem, transport_error

T = TypeVar("T")
CONNECT_SECONDS = 5.0
GRACE_SECONDS = 1.0  # for the gateway's own 504 to arrive before silence is called a timeout
LONGEST_TIMEOUT_MS = 3_600_000  # that the gateway takes
FIRST_PAUSE = 0.2  # seconds; doubled by each attempt
REFUSED = {429, 503}  # nothing was done, and it may be done later


@dataclass(frozen=True, kw_only=True)
class Policy:
    """How long a call may take, in seconds, and how often it may be sent again."""

    timeout: float = 30.0
    retries: int = 2
    longest_wait: float = 10.0

    def __post_init__(self) -> None:
        _check_timeout(self.timeout)
        if self.retries < 0 or self.longest_wait < 0:
            raise ValueError("retries and longest_wait must be at least 0")


class Exchange(Generic[T]):
    """Bookkeeping of one call. Who sends asks ``request``, and tells what came of it.

    ``now`` gives seconds of a monotonic clock, ``chance`` a number from 0 to 1.
    """

    def __init__(
        self,
        call: Call[T],
        policy: Policy,
        now: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        timeout = policy.timeout if call.timeout is None else call.timeout
        _check_timeout(timeout)
        self._call = call
        self._policy = policy
        self._now = now
        self._chance = chance
        self._deadline = now() + timeout
        self._repeated = 0

    def request(self) -> dict[str, Any]:
        """The next attempt, with the time that is left: arguments of ``httpx.Client.request``."""
        left = max(self._deadline - self._now(), 0.001)
        milliseconds = min(math.ceil(left * 1000), LONGEST_TIMEOUT_MS)
        call = self._call
        described = call.body.get("headers", {})
        return {
            **call.body,
            "method": call.method,
            "url": call.path,
            "params": call.query,
            "headers": {"X-Timeout-Ms": str(milliseconds), **described, **(call.headers or {})},
            "timeout": httpx.Timeout(left + GRACE_SECONDS, connect=min(left, CONNECT_SECONDS)),
        }

    def after_refusal(self, response: httpx.Response) -> float:
        """Seconds until the next attempt.

        Raises:
            ProblemError: there will be none.
        """
        refusal = problem(response)
        again = self._call.repeatable and refusal.status in REFUSED
        return self._pause(refusal, again=again, told=refusal.retry_after or 0.0)

    def after_failure(self, error: httpx.RequestError) -> float:
        """Likewise, where no answer came.

        Raises:
            TransportError: there will be no other attempt.
        """
        failure = transport_error(error)
        failure.__cause__ = error
        broken = isinstance(failure, ConnectionLost) and self._call.repeatable
        again = broken or isinstance(failure, ConnectError)
        return self._pause(failure, again=again, told=0.0)

    def _pause(self, failure: FoveaError, *, again: bool, told: float) -> float:
        """What the gateway asked for, and a span on top that doubles each time, less chance's part.

        With "full jitter" callers who were turned away together do not return together:
        M. Brooker, "Exponential Backoff And Jitter", 2015.
        """
        spread = min(FIRST_PAUSE * 2.0**self._repeated, self._policy.longest_wait)
        pause = told + spread * self._chance()
        in_time = told <= self._policy.longest_wait and self._now() + pause < self._deadline
        if not (again and in_time and self._repeated < self._policy.retries):
            raise failure
        self._repeated += 1
        return pause


def _check_timeout(seconds: float) -> None:
    if not 0 < seconds < math.inf:
        raise ValueError(f"timeout is {seconds}; it must be a number of seconds over 0")
