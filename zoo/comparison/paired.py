"""Comparing two networks on the same images: differences, their intervals, and what is chance."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from contract.recipe import Figure

RESAMPLES = 10_000
Answers = NDArray[np.bool_]  # (seeds, images): whether the network that was trained so was right


def mean_accuracy(answers: Answers) -> Figure:
    """Mean over seeds and images; the interval holds the chance in the choice of images alone."""
    return _resampled(answers.sum(axis=0), len(answers))


def difference(ours: Answers, others: Answers) -> Figure:
    """Accuracy of ``ours`` minus that of ``others`` on the same images, by as many seeds.

    The 95 % interval is of bootstrap percentiles over the images, each keeping its answers.
    """
    return _resampled(_gains(ours, others), len(ours))


def p_value(ours: Answers, others: Answers) -> float:
    """How probable a difference as large is if it were only chance which network is which.

    Exact and two-sided: on each image the two change places or do not, with equal probability.
    With one seed this is McNemar's exact test (Psychometrika 12, 1947).
    """
    gains = _gains(ours, others)
    distribution = np.ones(1)  # of the sum over the images so far, symmetric around 0
    for size in range(1, len(ours) + 1):
        count = int((np.abs(gains) == size).sum())
        distribution = np.convolve(distribution, _signs(count, size))
    middle = len(distribution) // 2
    sums = np.abs(np.arange(len(distribution)) - middle)
    return float(min(1.0, distribution[sums >= abs(int(gains.sum()))].sum()))


def holm(p_values: Sequence[float]) -> list[float]:
    """The same, adjusted for there being several tests (Holm, Scand. J. Statist. 6, 1979)."""
    adjusted = [0.0] * len(p_values)
    worst = 0.0
    for rank, position in enumerate(np.argsort(p_values).tolist()):
        worst = max(worst, min(1.0, (len(p_values) - rank) * p_values[position]))
        adjusted[position] = worst
    return adjusted


def _gains(ours: Answers, others: Answers) -> NDArray[np.int64]:
    """Image by image, in how many more seeds ``ours`` was right: (images,)."""
    if ours.shape != others.shape:
        raise ValueError(f"answers of shapes {ours.shape} and {others.shape} cannot be paired")
    gains: NDArray[np.int64] = ours.sum(axis=0) - others.sum(axis=0)
    return gains


def _signs(count: int, size: int) -> NDArray[np.float64]:
    """The distribution of a sum of ``count`` terms, each ``size`` or ``-size``; 0 in the middle."""
    row = np.zeros(2 * count * size + 1)
    binomial = np.ones(1)
    for _ in range(count):  # stays exact enough where factorials overflow
        binomial = np.convolve(binomial, (0.5, 0.5))
    row[:: 2 * size] = binomial
    return row


def _resampled(sums: NDArray[np.int64], seeds: int) -> Figure:
    """The mean of ``sums`` / ``seeds`` over the images, with its bootstrap interval.

    Images of equal sums are alike, so that a resample is a draw of how many there are of each.
    """
    values, counts = np.unique(sums, return_counts=True)
    drawn = np.random.default_rng(0).multinomial(
        len(sums), counts / len(sums), size=RESAMPLES
    )  # (resamples, values)
    scale = len(sums) * seeds
    low, high = np.quantile(drawn @ values / scale, (0.025, 0.975)).tolist()
    value = float(sums.sum()) / scale
    return Figure(value=value, low=min(low, value), high=max(high, value))
