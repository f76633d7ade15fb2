"""Recent percentiles: what is counted, what is forgotten, and when they are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.routing.latencies import LEAST, MOST, OLDEST_SECONDS, STALE_SECONDS, Latencies
from tests.service.routing.models import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_who_was_asked_little_is_cold(clock: Clock) -> None:
    latencies = Latencies(clock)
    assert latencies.p95("a") is None
    for _ in range(LEAST - 1):
        latencies.observe("a", 0.01)
        assert latencies.p95("a") is None
    latencies.observe("a", 0.01)
    assert latencies.p95("a") == latencies.p50("a") == 0.01
    assert latencies.p95("b") is None


@given(st.lists(st.floats(0, 100), min_size=LEAST, max_size=MOST))
def test_percentiles_are_the_nearest_ranks(seconds: list[float]) -> None:
    latencies = Latencies(Clock())
    for one in seconds:
        latencies.observe("a", one)
    assert latencies.p95("a") == np.percentile(seconds, 95, method="inverted_cdf")
    assert latencies.p50("a") == np.percentile(seconds, 50, method="inverted_cdf")


def test_only_the_newest_count(clock: Clock) -> None:
    latencies = Latencies(clock)
    for _ in range(MOST):
        latencies.observe("a", 9.0)
    for _ in range(MOST):
        latencies.observe("a", 0.01)
    assert latencies.p95("a") == 0.01


def test_what_is_old_is_forgotten_and_the_model_is_cold_again(clock: Clock) -> None:
    latencies = Latencies(clock)
    for _ in range(LEAST):
        latencies.observe("a", 9.0)
    clock.now += OLDEST_SECONDS
    assert latencies.p95("a") == 9.0
    for _ in range(LEAST):
        latencies.observe("a", 0.01)
    clock.now += 1
    assert latencies.p95("a") == 0.01
    clock.now += OLDEST_SECONDS
    assert latencies.p95("a") is None


def test_a_ranking_is_used_for_half_a_second(clock: Clock) -> None:
    latencies = Latencies(clock)
    for _ in range(LEAST):
        latencies.observe("a", 0.01)
    assert latencies.p95("a") == 0.01
    for _ in range(LEAST):
        latencies.observe("a", 1.0)
    assert latencies.p95("a") == 0.01
    clock.now += STALE_SECONDS
    assert latencies.p95("a") == 1.0
