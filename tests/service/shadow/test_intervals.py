"""Intervals hold what they should as often as they say, in seeded simulations."""

import numpy as np
import pytest

from contract.recipe import Figure
from service.shadow import intervals
from service.shadow.intervals import ALPHA, Sums, lasting

RUNS = 2000
AT_LEAST = 0.935  # of intervals of 95 %: three standard errors of 2000 runs less


def holds(figure: Figure, truth: float) -> bool:
    assert figure.low <= figure.high
    return figure.low <= truth <= figure.high


def sums(values) -> Sums:
    return Sums(len(values), float(values.sum()), float((values**2).sum()))


@pytest.mark.parametrize(("share", "trials"), [(0.5, 40), (0.9, 200), (0.02, 500)])
def test_wilson_holds_a_share(share: float, trials: int) -> None:
    counts = np.random.default_rng(1).binomial(trials, share, RUNS)
    assert np.mean([holds(intervals.wilson(int(n), trials), share) for n in counts]) > AT_LEAST


def test_wilson_holds_a_mean_of_values_between_0_and_1() -> None:
    values = np.random.default_rng(2).beta(0.5, 0.5, (RUNS, 100))  # most are near an end
    held = [holds(intervals.wilson(float(row.sum()), 100), 0.5) for row in values]
    assert np.mean(held) > AT_LEAST


def test_wilson_is_what_the_textbook_says() -> None:
    figure = intervals.wilson(81, 263)  # Newcombe, Statistics in Medicine 17, 1998, table I
    assert (figure.low, figure.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert intervals.wilson(0, 0) == Figure(value=0.5, low=0, high=1)
    assert intervals.wilson(20, 20).high == 1


def test_a_mean_is_held() -> None:
    values = np.random.default_rng(3).gamma(2, 1, (RUNS, 200))
    assert np.mean([holds(intervals.mean(sums(row)), 2) for row in values]) > AT_LEAST
    assert intervals.mean(Sums(1, 1.0, 1.0)) is None


def test_a_ratio_of_paired_means_is_held() -> None:
    rng = np.random.default_rng(4)
    image = rng.lognormal(0, 0.5, (RUNS, 100))  # what both have to do with it
    ours = image * rng.lognormal(0, 0.2, image.shape)
    theirs = 1.3 * image * rng.lognormal(0, 0.2, image.shape)
    found = [
        intervals.ratio(sums(one), sums(other), float(one @ other))
        for one, other in zip(ours, theirs, strict=True)
    ]
    assert np.mean([holds(figure, 1.3) for figure in found]) > AT_LEAST - 0.01
    paired = np.mean([figure.high - figure.low for figure in found])
    apart = [
        intervals.ratio(sums(one), sums(other), float(one.sum() * other.sum() / 100))
        for one, other in zip(ours, theirs, strict=True)
    ]
    assert paired < 0.6 * np.mean([figure.high - figure.low for figure in apart])
    assert intervals.ratio(Sums(2, 0.0, 0.0), Sums(2, 1.0, 1.0), 0.0) is None


@pytest.mark.parametrize(("lost", "won", "count"), [(0.1, 0.1, 150), (0.02, 0.06, 300)])
def test_a_paired_difference_is_held(lost: float, won: float, count: int) -> None:
    rng = np.random.default_rng(5)
    drawn = rng.multinomial(count, (lost, won, 1 - lost - won), RUNS)
    held = [holds(intervals.paired(int(b), int(c), count), won - lost) for b, c, _ in drawn]
    assert np.mean(held) > AT_LEAST


def test_a_paired_difference_without_any_is_not_certain() -> None:
    figure = intervals.paired(0, 0, 100)
    assert figure.value == 0
    assert figure.low < 0 < figure.high
    assert intervals.paired(0, 0, 0) == Figure(value=0, low=-1, high=1)


def test_a_difference_of_two_measured_apart_is_held() -> None:
    rng = np.random.default_rng(6)
    ours, theirs = rng.binomial(300, 0.9, RUNS), rng.binomial(500, 0.93, RUNS)
    held = [
        holds(
            intervals.unpaired(intervals.wilson(int(a), 300), intervals.wilson(int(b), 500)), 0.03
        )
        for a, b in zip(ours, theirs, strict=True)
    ]
    assert np.mean(held) > AT_LEAST
    # Newcombe, Statistics in Medicine 17, 1998, 873-890, table II (a), method 10.
    ours, theirs = intervals.wilson(48, 80), intervals.wilson(56, 70)
    figure = intervals.unpaired(ours, theirs)
    assert (figure.low, figure.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_who_looks_after_each_image_is_fooled_by_plain_intervals_and_not_by_lasting_ones() -> None:
    start, most = 50, 3000
    steps = np.random.default_rng(8).standard_normal((1000, most))
    counts = np.arange(1, most + 1)
    scores = np.abs(np.cumsum(steps, axis=1) / np.sqrt(counts))[:, start:]
    z = np.array([lasting(int(count), start) for count in counts])[start:]
    assert (scores > intervals.Z_95).any(axis=1).mean() > 0.3
    assert (scores > z).any(axis=1).mean() <= ALPHA


def test_lasting_intervals_are_tightest_about_the_first_look() -> None:
    assert lasting(200, 200) == pytest.approx(3.03, abs=0.01)
    assert lasting(2000, 200) == pytest.approx(3.24, abs=0.01)
    assert lasting(0, 200) > lasting(20, 200) > lasting(200, 200)
