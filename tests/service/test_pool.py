"""Work waits for memory in its turn, and memory comes back whatever happens to the work."""

import asyncio
import threading
import time

import pytest

from service.pool import Budget, Pool

pytestmark = pytest.mark.anyio


async def test_what_does_not_fit_waits_in_turn() -> None:
    budget, order = Budget(10), []

    async def one(name: str, amount: int) -> None:
        await budget.take(amount)
        order.append(name)

    await budget.take(8)
    tasks = [asyncio.create_task(one(*request)) for request in (("a", 5), ("b", 1), ("c", 4))]
    await asyncio.sleep(0)
    assert order == []  # `b` would fit, but `a` was first
    budget.give(8)
    await asyncio.gather(*tasks)
    assert order == ["a", "b", "c"]


async def test_more_than_there_is_takes_all() -> None:
    budget = Budget(10)
    await budget.take(100)
    waiting = asyncio.create_task(budget.take(1))
    await asyncio.sleep(0)
    assert not waiting.done()
    budget.give(100)
    await waiting


@pytest.mark.parametrize("granted", [False, True])
async def test_who_stops_waiting_leaves_nothing_behind(granted: bool) -> None:
    budget = Budget(10)
    await budget.take(10)
    first, second = (asyncio.create_task(budget.take(10)) for _ in range(2))
    await asyncio.sleep(0)
    if granted:
        budget.give(10)  # to the first one, who does not know of it yet
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    if not granted:
        budget.give(10)
    await asyncio.wait_for(second, 1)


async def test_work_runs_within_its_memory() -> None:
    pool, running, most = Pool(4, 10), [], 0

    def work() -> None:
        nonlocal most
        running.append(1)
        most = max(most, len(running))
        time.sleep(0.01)
        running.pop()

    await asyncio.gather(*(pool.run(work, memory=5) for _ in range(8)))
    assert most == 2
    pool.close()


async def test_cancelled_work_does_not_begin_and_gives_its_memory_back() -> None:
    pool, gate, begun = Pool(1, 10), threading.Event(), []
    blocker = asyncio.create_task(pool.run(gate.wait, memory=2))
    queued = asyncio.create_task(pool.run(begun.append, 1, memory=8))
    await asyncio.sleep(0.01)
    queued.cancel()
    await asyncio.gather(queued, return_exceptions=True)
    waiting = asyncio.create_task(pool.run(begun.append, 2, memory=8))
    gate.set()
    await asyncio.gather(blocker, waiting)
    assert begun == [2]
    pool.close()


async def test_work_that_has_begun_keeps_its_memory_to_its_end() -> None:
    pool, gate = Pool(2, 10), threading.Event()
    begun = asyncio.create_task(pool.run(gate.wait, memory=10))
    await asyncio.sleep(0.01)
    begun.cancel()
    await asyncio.gather(begun, return_exceptions=True)
    waiting = asyncio.create_task(pool.run(time.monotonic, memory=1))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    gate.set()
    await asyncio.wait_for(waiting, 1)
    pool.close()


async def test_failing_work_gives_its_memory_back() -> None:
    pool = Pool(1, 10)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            await pool.run(divmod, 1, 0, memory=10)
    pool.close()
    with pytest.raises(RuntimeError):
        await pool.run(print, memory=10)


async def test_little_work_does_not_wait_behind_large() -> None:
    pool, gate = Pool(2, 1000), threading.Event()
    large = [asyncio.create_task(pool.run(gate.wait, memory=1000)) for _ in range(2)]
    await asyncio.sleep(0.01)
    others = [asyncio.create_task(pool.run(time.monotonic, memory=n)) for n in (20, 21)]
    await asyncio.wait(others, timeout=0.2)
    done = [other.done() for other in others]
    gate.set()
    await asyncio.gather(*large, *others)
    pool.close()
    assert done == [True, False]
