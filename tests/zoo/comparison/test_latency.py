"""Timing: networks take turns, are compared round by round, and run as Triton runs them."""

from pathlib import Path

from runtime.launch import TritonConfig, server_environment
from runtime.wheel import TritonWheel
from zoo.comparison import latency


def test_ratios_are_of_the_same_round() -> None:
    # one busy round hits both networks: the ratio stays 2
    spent = {"none": [1.0, 1.0, 8.0, 1.0], "slow": [2.0, 2.0, 16.0, 2.0]}
    found = {one.network: one for one in latency.compared(spent, "none", 1)}
    assert (found["slow"].ratio, found["slow"].low, found["slow"].high) == (2.0, 2.0, 2.0)
    assert found["slow"].milliseconds == 2000.0
    assert found["none"].ratio == 1.0


def test_networks_are_timed_as_the_runtime_runs_them() -> None:
    wheel = TritonWheel(Path(), Path(), Path(), Path(), ())
    served = server_environment(TritonConfig(Path(), threads=1), wheel, {})
    assert latency.ENVIRONMENT.items() <= served.items()


def test_calls_take_turns() -> None:
    turns: list[str] = []
    spent = latency.interleaved({name: lambda n=name: turns.append(n) for name in "ab"}, 0.0)
    assert turns[2 * latency.WARM_UP :] == ["a", "b"] * latency.FEWEST_ROUNDS
    assert {len(times) for times in spent.values()} == {latency.FEWEST_ROUNDS}
