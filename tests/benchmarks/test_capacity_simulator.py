"""The simulator and the formulas against what queueing theory knows."""

import math

import pytest

from benchmarks.capacity import formula
from benchmarks.capacity.simulator import Outcome, Stage, simulate

REQUESTS = 60_000
GATEWAY = Stage(servers=2, fixed_seconds=0.004)
TRITON = Stage(max_batch=8, fixed_seconds=0.003, each_seconds=0.002)


def mean(stage: Stage, rate: float, cores: float = math.inf) -> float:
    return simulate([stage], rate, cores=cores, requests=REQUESTS).mean_ms / 1000


@pytest.mark.parametrize("load", [0.3, 0.7])
def test_one_server_with_exponential_times_is_m_m_1(load: float) -> None:
    found = mean(Stage(fixed_seconds=1.0, variation=1.0), load)
    assert found == pytest.approx(1 / (1 - load), rel=0.04)


@pytest.mark.parametrize("load", [0.3, 0.7])
def test_one_server_with_constant_times_is_m_d_1(load: float) -> None:
    assert mean(Stage(fixed_seconds=1.0), load) == pytest.approx(
        1 + load / (2 * (1 - load)), rel=0.03
    )


def test_several_servers_are_m_m_c() -> None:
    found = mean(Stage(servers=3, fixed_seconds=1.0, variation=1.0), 2.1)
    waits = 0.4923  # Erlang C of 3 servers and 2.1 erlangs, from the tables
    assert formula.erlang_c(3, 2.1) == pytest.approx(waits, abs=1e-3)
    assert found == pytest.approx(1 + waits / 0.9, rel=0.04)


def test_shared_cores_are_processor_sharing_whatever_the_times() -> None:
    for variation in (0.0, 1.0):
        stage = Stage(servers=10_000, fixed_seconds=1.0, variation=variation)
        assert mean(stage, 0.6, cores=1) == pytest.approx(1 / 0.4, rel=0.05)


def test_a_batch_server_keeps_to_inoues_bound_and_is_near_it() -> None:
    stage = Stage(max_batch=10_000, fixed_seconds=0.0034, each_seconds=0.0024)
    for rate in (20, 100, 200):
        bound = formula.batching(0.0034, 0.0024, rate)
        assert 0.9 * bound < mean(stage, rate) < 1.02 * bound


def test_the_exponential_tail_is_that_of_m_m_1() -> None:
    found = simulate([Stage(fixed_seconds=1.0, variation=1.0)], 0.5, requests=REQUESTS)
    assert found.percentile_ms(99) / 1000 == pytest.approx(2 * math.log(100), rel=0.06)


def test_batches_grow_with_the_load_up_to_the_largest() -> None:
    sizes = [simulate([TRITON], rate).mean_batch[0] for rate in (10, 200, 300, 400)]
    assert sizes == sorted(sizes)
    assert sizes[0] == pytest.approx(1, abs=0.05)
    assert 4 < sizes[-1] <= 8


def test_utilisation_is_the_share_of_the_time_that_servers_work() -> None:
    found = simulate([GATEWAY, TRITON], 200, requests=REQUESTS)
    assert found.utilisation[0] == pytest.approx(200 * 0.004 / 2, rel=0.02)
    batches = 200 / found.mean_batch[1]
    assert found.utilisation[1] == pytest.approx(batches * 0.003 + 200 * 0.002, rel=0.02)


def test_more_load_is_slower_and_more_servers_are_faster() -> None:
    def p99(rate: float, threads: int, tritons: int) -> float:
        gateway = Stage(servers=threads, fixed_seconds=0.004)
        triton = Stage(
            replicas=tritons, balanced=True, max_batch=8, fixed_seconds=0.003, each_seconds=0.002
        )
        return simulate([gateway, triton], rate).percentile_ms(99)

    assert p99(100, 2, 1) < p99(200, 2, 1) < p99(300, 2, 1)
    assert p99(200, 2, 2) < p99(200, 2, 1) < p99(200, 1, 1)


def test_the_fewest_are_asked_rather_than_any() -> None:
    def p99(*, balanced: bool) -> float:
        stage = Stage(replicas=4, fixed_seconds=0.01, balanced=balanced)
        return simulate([stage], 280).percentile_ms(99)

    assert p99(balanced=True) < 0.8 * p99(balanced=False)


def test_only_a_request_that_finds_nobody_wakes_a_gateway() -> None:
    def found(rate: float) -> Outcome:
        return simulate([Stage(servers=4, fixed_seconds=0.01, wake_seconds=0.01)], rate)

    assert found(0.1).percentile_ms(50) == pytest.approx(20)
    # Of 2.4 busy on the mean hardly a request finds none; most find a server free.
    assert found(240).utilisation[0] == pytest.approx(0.6 * (1 + math.exp(-2.4)), rel=0.03)


def test_a_seed_gives_the_same_again() -> None:
    first, same, other = (
        simulate([GATEWAY, TRITON], 200, requests=2000, seed=seed).latencies for seed in (1, 1, 2)
    )
    assert first == same != other


def test_the_formula_is_exact_for_a_lone_request_and_near_the_simulation_under_load() -> None:
    stages = [GATEWAY, TRITON]
    assert formula.latency_ms(stages, 1e-9, 99) == pytest.approx(9)
    for rate, cores in ((150, None), (250, None), (150, 2)):
        found = simulate(stages, rate, cores=cores or math.inf, requests=REQUESTS)
        foretold = formula.latency_ms(stages, rate, 95, cores)
        assert foretold == pytest.approx(found.percentile_ms(95), rel=0.3)


def test_capacity_is_that_of_the_narrowest_or_of_all_cores_together() -> None:
    assert formula.capacity([GATEWAY, TRITON]) == pytest.approx(8 / 0.019)
    assert formula.capacity([GATEWAY, TRITON], cores=2) == pytest.approx(2 / (0.004 + 0.019 / 8))
    assert formula.latency_ms([GATEWAY, TRITON], 430, 50) == math.inf
    assert formula.waiting(2, 0.004, 500, 0) == math.inf
    assert formula.batching(0.003, 0.002, 500) == math.inf
