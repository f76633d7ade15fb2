"""Rendezvous hashing: shares, stickiness, and who moves when weights change."""

import random
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.routing.weights import pick

KEYS = [f"caller-{n}" for n in range(20_000)]
# Chi-square's quantiles at 1 - 1e-6 by degrees of freedom: with fixed keys the test is the same
# every time, and the alpha says how odd it would have to be to fail.
CRITICAL = {1: 23.928, 2: 27.631, 3: 30.665}

weights = st.dictionaries(
    st.sampled_from(["a", "b", "c@1", "c@2", "d"]),
    st.floats(0, 1e9, allow_subnormal=False),
    min_size=1,
).filter(lambda given: any(given.values()))


def chi_square(shares: dict[str, float], keys: list[str]) -> float:
    counts = dict.fromkeys(shares, 0)
    for key in keys:
        counts[pick("signs", shares, key)] += 1
    total = sum(shares.values())
    expected = {name: len(keys) * share / total for name, share in shares.items()}
    return sum((counts[name] - many) ** 2 / many for name, many in expected.items())


@pytest.mark.parametrize(
    "shares",
    [
        {"a": 50, "b": 50},
        {"a": 95, "b": 5},
        {"a": 0.7, "b": 0.2, "c@2": 0.1},
        {"a": 1, "b": 2, "c": 3, "d": 4},
    ],
)
def test_each_target_gets_its_share(shares: dict[str, float]) -> None:
    assert chi_square(shares, KEYS) < CRITICAL[len(shares) - 1]


def test_random_keys_are_shared_out_likewise() -> None:
    chance = random.Random(7)
    keys = [f"{chance.getrandbits(64):016x}" for _ in range(20_000)]
    assert chi_square({"a": 90, "b": 9, "c": 1}, keys) < CRITICAL[2]


def test_the_bound_would_catch_shares_that_are_a_little_off() -> None:
    counted = {"a": 95.0, "b": 5.0}
    drawn = [key for key in KEYS if pick("signs", {"a": 94, "b": 6}, key) == "b"]
    expected = len(KEYS) * 0.05
    lone = (len(drawn) - expected) ** 2 * (1 / expected + 1 / (len(KEYS) - expected))
    assert chi_square(counted, KEYS) < CRITICAL[1] < lone


@given(weights, st.text(max_size=20))
def test_equal_keys_get_equal_targets_in_any_order(weights: dict[str, float], key: str) -> None:
    backwards = dict(reversed(weights.items()))
    assert pick("signs", weights, key) == pick("signs", backwards, key)


@given(weights, st.text(max_size=20))
def test_who_has_no_weight_is_never_picked(weights: dict[str, float], key: str) -> None:
    assert weights[pick("signs", weights, key)] > 0


@given(weights, st.floats(1.01, 100), st.text(max_size=20), st.data())
def test_a_weight_that_grows_draws_keys_to_its_own_target_alone(
    weights: dict[str, float], factor: float, key: str, data: st.DataObject
) -> None:
    gains = data.draw(st.sampled_from(sorted(weights)))
    before = pick("signs", weights, key)
    after = pick("signs", weights | {gains: weights[gains] * factor}, key)
    assert after in (before, gains)


@given(weights, st.text(max_size=20), st.data())
def test_a_target_that_goes_gives_away_its_own_keys_alone(
    weights: dict[str, float], key: str, data: st.DataObject
) -> None:
    gone = data.draw(st.sampled_from(sorted(weights)))
    rest = {name: weight for name, weight in weights.items() if name != gone}
    before = pick("signs", weights, key)
    if before != gone:
        assert pick("signs", rest, key) == before


def test_no_more_keys_move_than_must() -> None:
    before = [pick("signs", {"a": 95, "b": 5}, key) for key in KEYS]
    after = [pick("signs", {"a": 90, "b": 10}, key) for key in KEYS]
    moved = sum(one != other for one, other in zip(before, after, strict=True))
    # a's share falls from 0.95 to 0.9; four standard deviations of the binomial about that.
    assert abs(moved - 0.05 * len(KEYS)) < 4 * (len(KEYS) * 0.05 * 0.95) ** 0.5


def test_routes_share_their_callers_out_independently() -> None:
    both = sum(
        pick("signs", {"a": 50, "b": 50}, key) == pick("roads", {"a": 50, "b": 50}, key)
        for key in KEYS
    )
    assert abs(both - len(KEYS) / 2) < 4 * (len(KEYS) / 4) ** 0.5


def test_another_process_picks_the_same() -> None:
    program = (
        "from service.routing.weights import pick\n"
        "print(*(pick('signs', dict(a=3, b=2, c=1), f'caller-{n}') for n in range(100)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True,
        env={"PYTHONHASHSEED": "5", "PYTHONPATH": ":".join(filter(None, sys.path))},
    )  # fmt: skip
    shares = {"a": 3, "b": 2, "c": 1}
    assert run.stdout.split() == [pick("signs", shares, key) for key in KEYS[:100]]


def test_surrogates_are_keys_too() -> None:
    assert pick("signs", {"a": 1, "b": 1}, "\ud800") in "ab"
