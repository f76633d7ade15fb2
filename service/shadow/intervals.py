"""Confidence intervals of what is counted and measured, plain and for those who look again.

All take ``z``, the half width in standard errors: `Z_95` for an interval that holds at one look
with 95 % probability, `lasting` for one that holds at every look together.
"""

from dataclasses import dataclass
from math import exp, hypot, log, sqrt

from contract.recipe import Figure

Z_95 = 1.959963984540054  # two-sided 95 % quantile of the normal distribution
ALPHA = 0.05  # probability that a lasting interval is ever wrong


@dataclass(slots=True)
class Sums:
    """Count, sum and sum of squares of what was measured."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0

    def add(self, value: float | None) -> None:
        """One more; None is not counted."""
        if value is not None:
            self.count += 1
            self.total += value
            self.squares += value * value


def lasting(count: int, start: int) -> float:
    """The ``z`` with which intervals over a growing ``count`` are right all at once.

    Whoever looks after each observation, and stops when he likes what he sees, finds a plain
    interval wrong far more often than once in twenty. These are tightest about ``start``, where
    the first look is: 3.03 there, 3.24 at ten times as many. They are asymptotic, as the normal
    distribution itself is here (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform
    central limit theory and asymptotic confidence sequences", Annals of Statistics, 2024).
    """
    tightest = -2 * log(ALPHA) + log(1 - 2 * log(ALPHA))
    known = max(count, 1) * tightest / start  # tρ² of the paper
    return sqrt((known + 1) / known * log((known + 1) / ALPHA**2))


def wilson(successes: float, trials: int, z: float = Z_95) -> Figure:
    """A share with its score interval (Wilson, JASA 1927).

    ``successes`` may be a sum of values in 0..1: their variance is at most that of a share, so the
    interval is wide enough. Without trials nothing is known: 0..1, and its middle is the value.
    """
    if trials == 0:
        return Figure(value=0.5, low=0.0, high=1.0)
    share = successes / trials
    spread = z**2 / trials
    centre = (share + spread / 2) / (1 + spread)
    half = z * sqrt(max(0.0, share * (1 - share)) / trials + spread / (4 * trials)) / (1 + spread)
    low = max(0.0, min(share, centre - half))  # rounding may step over the ends
    return Figure(value=share, low=low, high=min(1.0, max(share, centre + half)))


def mean(sums: Sums, z: float = Z_95) -> Figure | None:
    """A mean with its normal interval; None under two values."""
    if sums.count < 2:
        return None
    middle = sums.total / sums.count
    variance = max(0.0, sums.squares - sums.total * middle) / (sums.count - 1)
    half = z * sqrt(variance / sums.count)
    return Figure(value=middle, low=middle - half, high=middle + half)


def ratio(first: Sums, second: Sums, products: float, z: float = Z_95) -> Figure | None:
    """The second mean over the first, of pairs whose products have the sum ``products``.

    By the delta method on the logarithm, so that the interval stays over 0 (Deng, Knoblich and Lu,
    "Applying the Delta Method in Metric Analytics", KDD 2018). None under two pairs, or unless both
    means are positive.
    """
    count = first.count
    if count < 2 or min(first.total, second.total) <= 0:
        return None
    variance = (
        first.squares / first.total**2
        + second.squares / second.total**2
        - 2 * products / (first.total * second.total)
    )
    half = z * sqrt(max(0.0, variance) * count / (count - 1))
    value = second.total / first.total
    return Figure(value=value, low=value * exp(-half), high=value * exp(half))


def paired(lost: int, won: int, count: int, z: float = Z_95) -> Figure:
    """The difference of two shares among the same ``count`` trials.

    ``won`` trials were a success for the second alone, ``lost`` for the first alone. The interval
    is Wald's after half a trial was added to each of the four cells (Agresti and Min, Statistics
    in Medicine 24, 2005). Without trials: -1..1.
    """
    if count == 0:
        return Figure(value=0.0, low=-1.0, high=1.0)
    total = count + 2
    difference = (won - lost) / total
    half = z * sqrt((won + lost + 1) - (won - lost) ** 2 / total) / total
    return Figure(
        value=(won - lost) / count,
        low=max(-1.0, difference - half),
        high=min(1.0, difference + half),
    )


def unpaired(first: Figure, second: Figure) -> Figure:
    """``second`` - ``first``, measured apart, with an interval as certain as theirs.

    The distances to their ends add up in squares (Newcombe, Statistics in Medicine 17, 1998, method
    10; for any figures: Zou and Donner, Statistics in Medicine 27, 2008). Where both come from the
    same images it is too wide, never too narrow, as good models fail at the same ones.
    """
    difference = second.value - first.value
    return Figure(
        value=difference,
        low=difference - hypot(second.value - second.low, first.high - first.value),
        high=difference + hypot(second.high - second.value, first.value - first.low),
    )
