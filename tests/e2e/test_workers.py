"""Two workers under a load that goes on and never tries again: what is asked is answered.

Each caller keeps its connection for as long as the gateway lets it, and counts whatever it gets.
"""

import asyncio
import errno
import re
import signal
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from service.keys import Scope, generate
from tests.e2e.stack import Stack, serve
from tests.images import jpeg
from tests.service.scraping import shown

pytestmark = pytest.mark.anyio
CALLERS = 4
KEY, LINE = generate("phone", [Scope.PREDICT])
NEXT_KEY, NEXT_LINE = generate("phone", [Scope.PREDICT])
HEADERS = {"content-type": "image/jpeg", "authorization": f"Bearer {KEY}"}
OK = re.compile(r'fovea_request_seconds_count\{.*outcome="ok".*\}')


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("keys") / "keys"
    file.touch(0o600)
    file.write_text(LINE)
    return file


@pytest.fixture(scope="module")
def stack(keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    settings = {"WORKERS": 2, "DRAIN_SECONDS": 3, "API_KEYS_FILE": keys}
    environment = {f"FOVEA_{name}": str(setting) for name, setting in settings.items()}
    with serve(tmp_path_factory.mktemp("workers") / "log", **environment) as running:
        yield running


def workers(stack: Stack) -> set[psutil.Process]:
    return set(stack.gateway().children())


def logged(stack: Stack, message: str) -> int:
    return stack.log.read_text().count(f'"{message}"')


async def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - other processes have no event for it
            await asyncio.sleep(0.05)


async def answered(stack: Stack) -> float:
    """Predictions that all workers together have counted as ok."""
    async with httpx.AsyncClient(base_url=stack.url) as client:
        samples = shown((await client.get("/metrics")).text)
    return sum(number for name, number in samples.items() if OK.fullmatch(name))


async def ask(client: httpx.AsyncClient, key: str = KEY) -> object:
    """The status, or the name of what happened instead of an answer."""
    headers = HEADERS | {"authorization": f"Bearer {key}"}
    try:
        return (await client.post("/predict", content=jpeg(), headers=headers)).status_code
    except httpx.TransportError as error:
        return type(error).__name__


@asynccontextmanager
async def load(stack: Stack, over: asyncio.Event | None = None) -> AsyncIterator[Counter[object]]:
    """What callers get who ask until the block ends, or they are told that it is ``over``."""
    seen: Counter[object] = Counter()
    over = over or asyncio.Event()

    async def call() -> None:
        async with httpx.AsyncClient(base_url=stack.url, timeout=30) as client:
            while not over.is_set():
                seen[await ask(client)] += 1
                await asyncio.sleep(0.03)  # idle now and then, when closing would lose the next

    async with asyncio.TaskGroup() as callers:
        for _ in range(CALLERS):
            callers.create_task(call())
        await until(lambda: seen.total() > 10)
        try:
            yield seen
        finally:
            over.set()


async def test_a_rolling_restart_loses_no_request_and_no_count(stack: Stack) -> None:
    before = await answered(stack)
    async with load(stack) as seen:
        for restart in (1, 2):
            old = workers(stack)
            stack.gateway().send_signal(signal.SIGUSR2)
            await until(lambda n=restart: logged(stack, "rolling restart complete") == n)
            assert len(workers(stack)) == 2
            assert not old & workers(stack)
    assert set(seen) == {200}
    assert await answered(stack) - before == seen[200]


async def test_a_worker_that_is_killed_takes_only_what_it_had_along(stack: Stack) -> None:
    before, started = await answered(stack), logged(stack, "a worker is up")
    async with load(stack) as seen:
        victim = workers(stack).pop()
        victim.kill()
        await until(lambda: logged(stack, "a worker is up") == started + 1)
        so_far = Counter(seen)
        await until(lambda: seen.total() > so_far.total() + 20)
        assert set(seen - so_far) == {200}
        assert len(workers(stack) - {victim}) == 2
    lost = seen.total() - seen[200]
    assert lost <= CALLERS
    assert 0 <= await answered(stack) - before - seen[200] <= lost


async def replace_keys(stack: Stack, keys: Path, line: str) -> None:
    read = logged(stack, "API keys read")
    await asyncio.to_thread(keys.write_text, line)
    stack.gateway().send_signal(signal.SIGHUP)
    await until(lambda: logged(stack, "API keys read") >= read + 2)


async def test_all_workers_read_the_keys_again_when_told_to(stack: Stack, keys: Path) -> None:
    read = logged(stack, "API keys read")
    stack.gateway().send_signal(signal.SIGHUP)
    await until(lambda: logged(stack, "API keys read") == read + 2)
    await replace_keys(stack, keys, NEXT_LINE)
    seen: Counter[object] = Counter()
    for key in (KEY, NEXT_KEY) * 10:
        async with httpx.AsyncClient(base_url=stack.url, timeout=30) as client:  # of any worker
            seen[await ask(client, key)] += 1
    assert seen == {401: 10, 200: 10}
    await replace_keys(stack, keys, LINE)


def refused(url: httpx.URL) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((url.host, url.port)) == errno.ECONNREFUSED


def exists(folder: str) -> bool:
    return Path(folder).exists()


async def test_the_end_comes_after_the_last_answer(stack: Stack) -> None:
    """The last test: it ends the stack. Callers stop when readiness does, as balancers would."""
    gateway, turned_away = stack.gateway(), asyncio.Event()
    metrics = workers(stack).pop().environ()["PROMETHEUS_MULTIPROC_DIR"]
    assert exists(metrics)
    url, image = httpx.URL(stack.url), jpeg()
    reader, writer = await asyncio.open_connection(url.host, url.port)
    head = f"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(image)}\r\n"
    head += "".join(f"{name}: {text}\r\n" for name, text in HEADERS.items())
    writer.write(head.encode() + b"\r\n" + image[:100])
    async with load(stack, turned_away) as seen:
        gateway.send_signal(signal.SIGTERM)
        await until(lambda: not stack.ready(), 3)
        so_far = seen.total()
        await until(lambda: seen.total() >= so_far + 2 * CALLERS, 3)  # the port is served on
        turned_away.set()
    assert set(seen) == {200}
    await until(lambda: refused(url), 5)  # and then closed, while the upload goes on
    writer.write(image[100:])
    answer = (await reader.read()).lower()
    writer.close()
    assert answer.startswith(b"http/1.1 200 ok\r\n")
    assert b"\r\nconnection: close\r\n" in answer
    assert await asyncio.to_thread(stack.process.wait, 20) == 0
    assert not exists(metrics)
