"""How often one caller may ask: a token bucket each, kept as a single number.

The generic cell rate algorithm (ITU-T I.371, annex A) keeps, in place of tokens and the time they
were counted at, the moment when the bucket will be full again. Each token taken puts it off by one
interval, and a caller whose bucket would need longer than the burst to fill is too early.
"""

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.types import Scope

from service.errors import RateLimited

MOST_CALLERS = 10_000  # that are remembered; some 2 MB
SITE = 64  # bits of an IPv6 address that are one caller's: it picks the others as it likes


class Rates:
    """A bucket for each caller, full at first: ``burst`` tokens, and ``per_second`` new ones."""

    def __init__(
        self, per_second: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._interval = 1 / per_second
        self._burst = burst
        self._clock = clock
        self._full_at: OrderedDict[str, float] = OrderedDict()  # least recently seen first

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, caller: str) -> float | None:
        """One token of ``caller``'s: None, or how many seconds too early it was to ask."""
        now = self._clock()
        full_at = max(self._full_at.get(caller, now), now) + self._interval
        early = full_at - now - self._burst * self._interval
        if early > 1e-9:  # a sum of intervals is not exact
            return early
        self._full_at[caller] = full_at
        self._full_at.move_to_end(caller)
        self._forget(now)
        return None

    def check(self, caller: str) -> None:
        """Take one token.

        Raises:
            RateLimited: there is none; with the time until there is one.
        """
        early = self.take(caller)
        if early is not None:
            raise RateLimited(
                f"more than {1 / self._interval:g} requests a second, or {self._burst} at once",
                retry_after_seconds=math.ceil(early),
                quota=self._burst,
                window_seconds=math.ceil(self._burst * self._interval),
            )

    def _forget(self, now: float) -> None:
        """Drop the least recently seen while they are too many or, two at a time, while full.

        Whoever is forgotten has a full bucket again, which is more generous than right, never less.
        """
        for _ in range(2):
            caller, full_at = next(iter(self._full_at.items()))
            if full_at > now and len(self._full_at) <= MOST_CALLERS:
                return
            del self._full_at[caller]


def caller_address(scope: Scope) -> str:
    """Who asks, where nobody has a key: an IPv4 address, or the /64 of an IPv6 address."""
    client = scope.get("client")
    if client is None:
        return ""
    host = str(client[0])
    if ":" not in host:
        return host
    address = ipaddress.IPv6Address(host.partition("%")[0])
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    site = int(address) >> (128 - SITE) << (128 - SITE)
    return f"{ipaddress.IPv6Address(site)}/{SITE}"
