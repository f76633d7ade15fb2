"""The load generator: what it sends, and that a slow server cannot hide behind it."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from benchmarks.load import plan
from benchmarks.load.http import HOST, Callers, request_bytes
from benchmarks.load.loops import arrivals, arriving, closed
from benchmarks.load.plan import Plan, Target
from benchmarks.load.samples import NO_ANSWER, OK, Sample, figures
from benchmarks.processes import running
from runtime.ports import Ports

REQUEST = request_bytes("/", b"x" * 100_000)


@pytest.fixture
def null_server(tmp_path: Path) -> Iterator[tuple[int, psutil.Process]]:
    port = Ports.choose().http
    command = [sys.executable, "-m", "benchmarks.load.null_server", str(port)]
    with running(command, {}, tmp_path / "log") as process:
        asyncio.run(until_it_listens(port))
        yield port, process


async def until_it_listens(port: int) -> None:
    callers = Callers(port, 30)
    async with asyncio.timeout(30):
        while await callers.ask(REQUEST) != OK:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
    await callers.close()


async def answers_with(content: bytes, patience_seconds: float) -> int:
    """What a caller makes of a server that says ``content`` to everything."""

    over = asyncio.Event()

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.readexactly(len(REQUEST))
            writer.write(content)
            await reader.read()
            writer.close()
            await writer.wait_closed()
        over.set()

    server = await asyncio.start_server(say, HOST, 0)
    callers = Callers(server.sockets[0].getsockname()[1], patience_seconds)
    status = await callers.ask(REQUEST)
    await callers.close()
    await over.wait()
    server.close()
    return status


def test_a_process_of_its_own_loads_a_server_in_both_ways(
    null_server: tuple[int, psutil.Process], tmp_path: Path
) -> None:
    image = tmp_path / "body"
    image.write_bytes(b"x" * 1000)
    target = Target(port=null_server[0], path="/", image=image)
    waiting = plan.run(Plan(target=target, clients=4, lead_seconds=0.1, seconds=0.5))
    assert waiting.figures.answered == waiting.figures.requests > 50
    assert waiting.requests_in_all > waiting.figures.requests
    steady = plan.run(Plan(target=target, rate=200, lead_seconds=0.1, seconds=1))
    assert 120 < steady.figures.requests < 280
    assert steady.figures.failed == 0
    assert 0 < steady.cpu_share < 1


def test_a_connection_is_used_again_and_a_dead_server_is_no_answer(
    null_server: tuple[int, psutil.Process],
) -> None:
    port, process = null_server

    async def scenario() -> list[int]:
        callers = Callers(port, 5)
        first = [await callers.ask(REQUEST) for _ in range(3)]
        assert len(process.net_connections("tcp")) == 2  # it listens, and serves one
        process.kill()
        await asyncio.sleep(0.2)
        last = await callers.ask(REQUEST)
        await callers.close()
        return [*first, last]

    assert asyncio.run(scenario()) == [OK, OK, OK, NO_ANSWER]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\nno", 503),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n", 200),
        (b"HTTP/1.1 429 Slow\r\ncontent-length: 0\r\nConnection: close\r\n\r\n", 429),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", NO_ANSWER),
        (b"", NO_ANSWER),
    ],
    ids=["refused", "chunked", "closing", "cut short", "silent"],
)
def test_an_answer_is_its_status_once_it_is_whole(content: bytes, status: int) -> None:
    patience_seconds = 0.3 if status == NO_ANSWER else 10
    assert asyncio.run(answers_with(content, patience_seconds)) == status


def test_waiting_in_line_counts_from_the_moment_a_request_was_due() -> None:
    """A server that takes 20 ms each, asked 100 times a second, falls behind by 10 ms a request."""

    async def scenario() -> list[Sample]:
        turn = asyncio.Lock()

        async def ask() -> int:
            async with turn:
                await asyncio.sleep(0.02)
            return OK

        return await arriving(ask, rate=100, seconds=1, seed=1)

    seen = figures(asyncio.run(scenario()), seconds=1)
    assert seen.p99_ms is not None
    assert seen.p99_ms > 500


def test_waiting_clients_never_have_more_in_flight_than_their_number() -> None:
    running_now, most = 0, 0

    async def ask() -> int:
        nonlocal running_now, most
        running_now += 1
        most = max(most, running_now)
        await asyncio.sleep(0.001)
        running_now -= 1
        return OK

    samples = asyncio.run(closed(ask, clients=3, seconds=0.1))
    assert most == 3
    assert len(samples) > 30


def test_arrivals_keep_their_rate_and_repeat_with_their_seed() -> None:
    moments = list(arrivals(start=5.0, rate=1000, seconds=10, seed=3))
    assert 9_500 < len(moments) < 10_500
    assert moments == sorted(moments)
    assert 5 < moments[0] < moments[-1] < 15
    assert moments == list(arrivals(start=5.0, rate=1000, seconds=10, seed=3))


def test_figures_keep_answers_refusals_and_failures_apart() -> None:
    samples = [Sample(0, 0.01, 0.1, 200), Sample(0, 0, 0.9, 200), Sample(0, 0, 0.002, 503)]
    samples += [Sample(0, 0, 2, NO_ANSWER), Sample(0, 0, 0.1, 500)]
    seen = figures(samples, seconds=2)
    assert (seen.answered, seen.refused, seen.failed) == (2, 1, 2)
    assert (seen.answers_per_second, seen.good_per_second) == (1.0, 0.5)
    assert (seen.p50_ms, seen.refusal_p50_ms) == (500, 2)
