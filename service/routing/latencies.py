"""How long each model takes of late: percentiles over a window of the newest predictions."""

import math
import time
from collections import deque
from collections.abc import Callable

MOST = 512  # predictions of a window
OLDEST_SECONDS = 300.0  # of its predictions
LEAST = 20  # predictions, fewer of which say nothing about a 95th percentile
STALE_SECONDS = 0.5  # age of a ranking that is not used again


class _Window:
    """The newest predictions of one model, and their ranking when somebody last asked."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, float]] = deque(maxlen=MOST)  # when, how long
        self._ranked: list[float] = []
        self._ranked_at = -math.inf

    def add(self, now: float, seconds: float) -> None:
        self._seen.append((now, seconds))

    def ranked(self, now: float) -> list[float]:
        """Seconds, ascending; up to half a second old once there are enough of them."""
        if now - self._ranked_at >= STALE_SECONDS or len(self._ranked) < LEAST:
            while self._seen and now - self._seen[0][0] > OLDEST_SECONDS:
                self._seen.popleft()
            self._ranked = sorted(seconds for _, seconds in self._seen)
            self._ranked_at = now
        return self._ranked


class Latencies:
    """Recent latencies by model; its versions share them, as they share its limiter.

    What is observed should run from the wait for a place to the finished answer: that is what a
    caller's budget is about, but for his upload.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._windows: dict[str, _Window] = {}  # by names that Triton knows: a bounded number

    def observe(self, model: str, seconds: float) -> None:
        """A prediction of ``model`` was answered after ``seconds``."""
        window = self._windows.get(model)
        if window is None:
            window = self._windows[model] = _Window()
        window.add(self._clock(), seconds)

    def p50(self, model: str) -> float | None:
        """The median in seconds; None where the model is cold: fewer than 20 in five minutes."""
        return self._quantile(model, 0.5)

    def p95(self, model: str) -> float | None:
        """The 95th percentile in seconds; None likewise."""
        return self._quantile(model, 0.95)

    def _quantile(self, model: str, share: float) -> float | None:
        """The nearest rank: the least value that ``share`` of the others do not exceed."""
        window = self._windows.get(model)
        if window is None:
            return None
        ranked = window.ranked(self._clock())
        return ranked[math.ceil(share * len(ranked)) - 1] if len(ranked) >= LEAST else None
