"""Comparing on the same images: against published tables, sums by hand and brute force."""

from itertools import product
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.comparison.paired import Answers, difference, holm, mean_accuracy, p_value


def answers(*rows: str) -> Answers:
    """A row a seed, "1" where an image was answered right."""
    return np.array([[digit == "1" for digit in row] for row in rows])


def discordant(better: int, worse: int, images: int) -> tuple[Answers, Answers]:
    """Two networks that differ on ``better`` + ``worse`` images of ``images``."""
    ours, others = np.ones((1, images), bool), np.ones((1, images), bool)
    others[0, :better] = False
    ours[0, better : better + worse] = False
    return ours, others


@pytest.mark.parametrize(("better", "worse"), [(9, 1), (5, 0), (121, 59), (3, 3), (0, 0)])
def test_one_seed_is_mcnemars_exact_test(better: int, worse: int) -> None:
    total, fewer = better + worse, min(better, worse)
    tail = sum(comb(total, count) for count in range(fewer + 1)) / 2**total
    ours, others = discordant(better, worse, 200)
    assert p_value(ours, others) == pytest.approx(min(1.0, 2 * tail))
    assert p_value(others, ours) == pytest.approx(min(1.0, 2 * tail))


def test_mcnemar_of_nine_against_one_by_hand() -> None:
    assert p_value(*discordant(9, 1, 50)) == pytest.approx(2 * (1 + 10) / 1024)


@given(st.integers(0, 2**31), st.integers(1, 3), st.integers(1, 9))
def test_several_seeds_are_all_ways_to_change_places(seed: int, seeds: int, images: int) -> None:
    rng = np.random.default_rng(seed)
    ours, others = rng.random((2, seeds, images)) < 0.5
    gains = ours.sum(axis=0) - others.sum(axis=0)
    sums = [abs(np.dot(signs, gains)) for signs in product((-1, 1), repeat=images)]
    expected = np.mean(np.array(sums) >= abs(gains.sum()))
    assert p_value(ours, others) == pytest.approx(expected)


def test_many_images_neither_overflow_nor_lose_the_tail() -> None:
    assert p_value(*discordant(600, 400, 3000)) == pytest.approx(2.73e-10, rel=0.01)


def test_difference_is_of_the_same_images_and_its_interval_of_the_pairs() -> None:
    ours, others = discordant(60, 30, 3000)
    found = difference(ours, others)
    assert found.value == pytest.approx(0.01)
    # the paired standard error: sqrt(90 - 30² / 3000) / 3000
    half = 1.96 * np.sqrt(90 - 30**2 / 3000) / 3000
    assert (found.low, found.high) == pytest.approx((0.01 - half, 0.01 + half), abs=5e-4)


def test_mean_accuracy_over_seeds() -> None:
    found = mean_accuracy(answers("1100", "1110"))
    assert found.value == 5 / 8
    assert found.low < found.value < found.high


def test_equal_networks_do_not_differ() -> None:
    ours = answers("1011", "0111")
    found = difference(ours, ours)
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)
    assert p_value(ours, ours) == 1.0


def test_answers_to_other_images_cannot_be_paired() -> None:
    with pytest.raises(ValueError, match="cannot be paired"):
        difference(answers("11"), answers("111"))


def test_holm_adjusts_step_by_step() -> None:
    # smallest × 4, next × 3, then never below what came before, at most 1
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.6]) == [1.0, 1.0]
    assert holm([]) == []
