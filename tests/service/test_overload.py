"""Goodput under overload: the real Limiters before simulated models, in virtual time.

The servers are those of queueing theory: workers that take one request each, and one instance that
batches, where latency rises with the load and is worth it. Arrivals are Poisson, seeds are fixed.
"""

import asyncio
import functools

import pytest

from service.limiter import Limiters
from tests.service.model_server import MODEL, Batching, Seen, Workers, load
from tests.service.virtual_time import clock, run

SLO_SECONDS = 0.5
SERVERS = {
    "two cores": lambda: Workers(2, 0.020),
    "sixteen workers": lambda: Workers(16, 0.050),
    "batches of eight": lambda: Batching(8, fixed=0.008, each=0.008),
    "batches that cost as much as one": lambda: Batching(16, fixed=0.030, each=0.001),
    "a slow detector": lambda: Workers(1, 0.150),
    "slow batches": lambda: Batching(8, fixed=0.030, each=0.010),
}
FAST = [name for name in SERVERS if name != "a slow detector"]


def limiters() -> Limiters:
    return Limiters(max_in_flight=64, queue_seconds=0.1, target_seconds=0.25, clock=clock)


def goodput(seen: Seen, seconds: float) -> float:
    return seen.within(SLO_SECONDS) / seconds


@functools.cache
def at(name: str, times: float) -> tuple[Seen, float]:
    """What callers saw at ``times`` the capacity; goodput as a part of the capacity."""

    async def main() -> tuple[Seen, float]:
        server, admission = SERVERS[name](), limiters()
        seconds = 2000 / server.capacity
        await load(admission, server, times * server.capacity, seconds / 4, seed=3)
        seen = await load(admission, server, times * server.capacity, seconds)
        return seen, goodput(seen, seconds) / server.capacity

    return run(main())


@pytest.mark.parametrize("name", FAST)
def test_below_capacity_nearly_everything_is_answered(name: str) -> None:
    seen, _ = at(name, 0.7)
    assert len(seen.refused) <= 0.01 * len(seen.answered)
    assert seen.p99() < SLO_SECONDS


@pytest.mark.parametrize("name", SERVERS)
def test_three_times_the_capacity_does_not_lower_goodput(name: str) -> None:
    _, full = at(name, 1)
    _, over = at(name, 3)
    assert over >= 0.9 * full
    assert over >= (0.9 if name in FAST else 0.6)  # of what the server could do at all


@pytest.mark.parametrize("name", FAST)
def test_under_overload_answers_are_quick_and_refusals_immediate(name: str) -> None:
    seen, _ = at(name, 3)
    lone = run(alone(name))
    assert seen.p99() < min(SLO_SECONDS, 25 * lone)
    assert sum(seconds < 0.010 for seconds in seen.refused) >= 0.99 * len(seen.refused)


async def alone(name: str) -> float:
    """Mean seconds of a request that has the server to itself."""
    server, began = SERVERS[name](), clock()
    for _ in range(20):
        await server.run()
    return (clock() - began) / 20


def test_without_a_limit_the_same_overload_answers_nobody_in_time() -> None:
    async def main() -> float:
        server = Workers(2, 0.010)
        seen = Seen()

        async def ask() -> None:
            began = clock()
            await server.run()
            seen.answered.append(clock() - began)

        async with asyncio.TaskGroup() as group:
            for _ in range(3000):
                group.create_task(ask())
                await asyncio.sleep(1 / 600)
        return seen.within(SLO_SECONDS) / len(seen.answered)

    assert run(main()) < 0.1


@pytest.mark.parametrize("times", [0.9, 3], ids=["busy", "overloaded"])
@pytest.mark.parametrize("name", ["two cores", "batches of eight"])
def test_the_limit_follows_a_server_that_slows_down_and_recovers(name: str, times: float) -> None:
    async def main() -> list[float]:
        server, admission, parts = SERVERS[name](), limiters(), []
        rate = times * server.capacity
        for slower in (1, 2, 1):
            server.slower = slower
            while_learning = await load(admission, server, rate, 12, seed=3)
            assert while_learning.p99() < 2.5 * SLO_SECONDS  # by the faster server's limit
            parts.append(goodput(await load(admission, server, rate, 6), 6) / server.capacity)
        return parts

    healthy, slow, recovered = run(main())
    assert healthy >= 0.85
    assert slow >= 0.9 * 0.5
    assert recovered >= 0.98 * healthy


def test_a_server_that_has_become_ten_times_slower_is_learnt_anew() -> None:
    async def main() -> tuple[float, float]:
        server, admission = Workers(8, 0.010), limiters()
        await load(admission, server, 400, 2, seed=3)
        server.slower = 10
        await load(admission, server, 240, 20)
        seen = await load(admission, server, 240, 10)
        return goodput(seen, 10) / 80, seen.p99()

    part, p99 = run(main())
    assert part >= 0.9
    assert p99 < SLO_SECONDS


def test_an_idle_time_does_not_raise_the_limit() -> None:
    async def main() -> tuple[int, int]:
        server, admission = Workers(16, 0.010), limiters()
        await load(admission, server, 1000, 2, seed=3)
        before = admission.of(MODEL).limit
        await load(admission, server, 50, 60)  # one in flight at most times
        return before, admission.of(MODEL).limit

    before, after = run(main())
    assert after == before
