"""Repeats to one number: the median, with the smallest and the largest."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Spread:
    """Of the repeats of one figure."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        """`246 (240–251)`, or the one value there is."""
        digits = 0 if abs(self.median) >= 100 else 1 if abs(self.median) >= 10 else 2
        middle = f"{self.median:.{digits}f}"
        if self.low == self.high:
            return middle
        return f"{middle} ({self.low:.{digits}f}–{self.high:.{digits}f})"

    def overlaps(self, other: "Spread") -> bool:
        """Whether the repeats of the two are mixed, so that their order may be chance."""
        return self.low <= other.high and other.low <= self.high


def spread(values: Iterable[float | None]) -> Spread | None:
    """Of the values that there are; None of none."""
    known = [value for value in values if value is not None]
    return Spread(median(known), min(known), max(known)) if known else None
