"""The soak's own judgement: growth is seen, wrong answers are named."""

import asyncio
from collections.abc import Callable

import pytest

from benchmarks.load.http import Callers
from benchmarks.load.samples import NO_ANSWER
from benchmarks.memory import Sighting, slope_mib
from benchmarks.mixture import Kind, Mixture, kinds
from benchmarks.soak import FLAT_MIB, Soak


def sightings(mib: Callable[[int], float]) -> list[Sighting]:
    return [Sighting(n, {"service": mib(n)}, 10) for n in range(1000, 101_000, 1000)]


def soaked(seen: list[Sighting], wrong: dict[str, int]) -> Soak:
    return Soak(
        machine="",
        requests=100_000,
        seconds=1,
        answers={},
        wrong=wrong,
        ended=[],
        slope_mib=slope_mib(seen),
        sightings=seen,
    )


def test_a_leak_of_a_kilobyte_a_request_is_seen_and_warming_up_is_not() -> None:
    leaking = sightings(lambda n: 100 + n / 1024)
    warming = sightings(lambda n: 100 + 30 * min(n, 15_000) / 15_000)
    assert slope_mib(leaking) == pytest.approx(100_000 / 1024)
    assert slope_mib(warming) == pytest.approx(0, abs=1e-6)
    assert any("memory grows" in fault for fault in soaked(leaking, {}).faults())
    assert not soaked(warming, {}).faults()
    assert slope_mib(leaking) > FLAT_MIB


def test_a_wrong_answer_fails_the_run_and_names_its_request() -> None:
    kind = Kind(name="good", weight=1, request=b"", right=frozenset({200}))
    mixture = Mixture([kind], Callers(port=1, patience_seconds=1))
    mixture.answers.update({("good", 200): 5, ("good", 503): 2, ("good", 500): 1})
    assert mixture.wrong() == {"good: 500": 1}
    assert soaked(sightings(lambda _: 100.0), mixture.wrong()).faults() == [
        "wrong answers: good: 500 (1)"
    ]


def test_every_kind_is_sent_and_a_server_that_is_away_answers_none() -> None:
    mixture = Mixture(
        [one for one in kinds("any") if not one.leaves], Callers(port=1, patience_seconds=1)
    )
    asyncio.run(mixture.send(200, clients=4))
    assert mixture.sent == 200
    assert {status for _, status in mixture.answers} == {NO_ANSWER}
    assert len(mixture.answers) == 5
