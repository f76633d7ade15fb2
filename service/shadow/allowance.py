"""How much of the time a candidate may be busy: a bucket of seconds that fills slowly."""

from collections.abc import Callable

BURST_SECONDS = 5.0  # that may be saved up


class Allowance:
    """Seconds that a candidate may still take; one that takes long may leave it in debt."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seconds = BURST_SECONDS
        self._at = clock()

    def left(self, share: float) -> bool:
        """Whether there is anything left, where ``share`` of the time comes in."""
        now = self._clock()
        self._seconds = min(BURST_SECONDS, self._seconds + (now - self._at) * share)
        self._at = now
        return self._seconds > 0

    def spend(self, seconds: float) -> None:
        """Take off what was used."""
        self._seconds -= seconds
