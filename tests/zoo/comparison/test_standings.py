"""What is more than noise: better from every seed, and improbable by chance."""

import pytest

from tests.zoo.comparison.made_up import ONE_SEED, THREE_SEEDS, comparison
from zoo.comparison.standings import Verdict, standings


def verdicts(wrong: dict[str, list[range]]) -> dict[str, Verdict | None]:
    return {one.network: one.verdict for one in standings(comparison(wrong))}


def test_what_is_more_than_noise_and_what_is_not() -> None:
    assert verdicts(ONE_SEED) == {
        "mbv2_none": None,
        "mbv2_se": Verdict.BETTER,
        "mbv2_eca": Verdict.NOISE,
        "mbv2_gam": Verdict.WORSE,
    }


def test_a_mean_that_one_seed_contradicts_is_noise() -> None:
    found = verdicts(THREE_SEEDS)
    assert found["mbv2_se"] is Verdict.NOISE
    assert found["mbv2_eca"] is Verdict.BETTER


def test_standings_are_ordered_and_hold_mean_and_spread() -> None:
    found = standings(comparison(THREE_SEEDS))
    assert [one.network for one in found] == ["mbv2_eca", "mbv2_se", "mbv2_none"]
    assert found[0].accuracy.value == pytest.approx(0.95)
    assert (found[0].lowest, found[0].highest) == pytest.approx((0.945, 0.955))
    assert found[0].difference is not None
    assert found[0].difference.value == pytest.approx(0.05)
