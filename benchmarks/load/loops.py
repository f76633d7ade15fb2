"""The two shapes of load: clients that wait for their answers, and arrivals that do not."""

import asyncio
import random
import threading
import time
from collections.abc import Awaitable, Callable, Iterator

from benchmarks.load.samples import Sample

Ask = Callable[[], Awaitable[int]]  # sends one request; the status, or NO_ANSWER


async def closed(ask: Ask, clients: int, seconds: float) -> list[Sample]:
    """Each client sends, waits for the answer, sends again: load adapts to the server."""
    end = time.perf_counter() + seconds
    samples: list[Sample] = []

    async def client() -> None:
        while (start := time.perf_counter()) < end:
            status = await ask()
            samples.append(Sample(start, start, time.perf_counter(), status))

    await asyncio.gather(*(client() for _ in range(clients)))
    return samples


async def arriving(ask: Ask, rate: float, seconds: float, seed: int) -> list[Sample]:
    """Poisson arrivals at ``rate`` a second, however slowly the server answers."""
    loop = asyncio.get_running_loop()
    samples: list[Sample] = []
    requests: set[asyncio.Task[None]] = set()
    all_sent = asyncio.Event()

    async def one(due: float) -> None:
        sent = time.perf_counter()
        status = await ask()
        samples.append(Sample(due, sent, time.perf_counter(), status))

    def send(due: float) -> None:
        task = loop.create_task(one(due))
        requests.add(task)
        task.add_done_callback(requests.discard)

    def pace() -> None:
        for due in arrivals(time.perf_counter(), rate, seconds, seed):
            time.sleep(max(0.0, due - time.perf_counter()))
            loop.call_soon_threadsafe(send, due)
        loop.call_soon_threadsafe(all_sent.set)

    # The loop's own timers are whole milliseconds, which would be counted as latency.
    threading.Thread(target=pace, daemon=True).start()
    await all_sent.wait()
    await asyncio.gather(*requests)
    return samples


def arrivals(start: float, rate: float, seconds: float, seed: int) -> Iterator[float]:
    """The moments of a Poisson process from ``start`` on, for ``seconds``."""
    generator = random.Random(seed)
    due = start + generator.expovariate(rate)
    while due < start + seconds:
        yield due
        due += generator.expovariate(rate)
