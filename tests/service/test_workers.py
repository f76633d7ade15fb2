"""A parent and its workers as processes: who may end whom, and what comes back."""

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from service.keys import Scope, generate
from service.settings import Settings
from tests.images import jpeg
from tests.service.scripted_triton import Script, listening
from tests.service.test_main import RECIPE, Gateway, command, running

pytestmark = pytest.mark.anyio


@pytest.fixture
def two(tmp_path: Path) -> dict[str, str]:
    """Settings for two workers; a parent that is killed leaves its folder of metrics behind."""
    return {"FOVEA_WORKERS": "2", "TMPDIR": str(tmp_path)}


def workers(gateway: Gateway) -> set[psutil.Process]:
    return set(psutil.Process(gateway.process.pid).children())


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - other processes have no event for it
            await asyncio.sleep(0.05)


class Caller:
    """One connection, used again and again; a second one would be an error."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def of(cls, gateway: Gateway) -> "Caller":
        url = gateway.client.base_url
        return cls(*await asyncio.open_connection(url.host, url.port))

    async def ask(self) -> tuple[int, bool]:
        """The status of a prediction, and whether the answer takes leave."""
        image = jpeg()
        head = "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"
        self._writer.write(f"{head}Content-Length: {len(image)}\r\n\r\n".encode() + image)
        answer = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(answer.split("content-length: ")[1].split("\r\n")[0])
        await self._reader.readexactly(length)
        return int(answer.split()[1]), "\r\nconnection: close\r\n" in answer

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


async def test_an_idle_caller_of_a_worker_that_is_replaced_is_told_to_leave(
    two: dict[str, str],
) -> None:
    async with running(Script(recipe=RECIPE), **two) as gateway:
        before = workers(gateway)
        caller = await Caller.of(gateway)
        assert await caller.ask() == (200, False)
        gateway.process.send_signal(signal.SIGUSR2)
        answers = []
        while not any(leaves for _, leaves in answers):
            await asyncio.sleep(0.3)
            answers.append(await caller.ask())
            assert len(answers) < 60
        await caller.close()
        assert {status for status, _ in answers} == {200}
        await until(lambda: not any(worker.is_running() for worker in before))
        await until(lambda: len(workers(gateway)) == 2)
        assert (await gateway.predict()).status_code == 200


async def test_workers_outlive_a_restart_that_fails_and_a_parent_does_not_outlive_them(
    tmp_path: Path, two: dict[str, str]
) -> None:
    file = tmp_path / "keys"
    file.write_text(generate("phone", [Scope.PREDICT])[1])
    file.chmod(0o600)
    async with running(Script(recipe=RECIPE), **two, FOVEA_API_KEYS_FILE=str(file)) as gateway:
        before = workers(gateway)
        file.write_text("no key")
        gateway.process.send_signal(signal.SIGUSR2)
        await until(lambda: len(workers(gateway)) > 2)
        await until(lambda: workers(gateway) == before)
        assert (await gateway.client.get("/healthz")).status_code == 200
        for worker in before:
            worker.kill()
        log = await gateway.process.stderr.read()
        assert await gateway.process.wait() == 2
    assert b"python -m service: FOVEA_API_KEYS_FILE" in log
    assert b"Traceback" not in log


async def test_a_worker_that_cannot_start_ends_all_with_its_message(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("no key")
    process = await command("--workers", "2", "--port", "0", FOVEA_API_KEYS_FILE=str(file))
    _, log = await process.communicate()
    assert process.returncode == 2
    assert log.decode().count("it is not NAME:SCOPES:SHA-256") == 1


async def test_a_port_that_is_taken_is_said() -> None:
    async with listening(Script()) as port:
        process = await command("--workers", "2", "--port", str(port))
        _, log = await process.communicate()
    assert process.returncode == 1
    assert "address already in use" in log.decode()
    assert log.decode().count("\n") == 1


async def test_workers_leave_when_their_parent_is_killed(two: dict[str, str]) -> None:
    async with running(Script(recipe=RECIPE), **two) as gateway:
        orphans = workers(gateway)
        assert len(orphans) == 2
        gateway.process.kill()
        await until(lambda: not any(worker.is_running() for worker in orphans))


async def test_one_process_says_that_it_cannot_replace_itself() -> None:
    async with running(Script(recipe=RECIPE)) as gateway:
        gateway.process.send_signal(signal.SIGUSR2)
        assert (await gateway.predict()).status_code == 200
        gateway.process.terminate()
        log = await gateway.end()
        assert gateway.process.returncode == 0
    assert any("cannot replace itself" in line["message"] for line in log)


def test_bounds_that_hold_for_all_workers_are_shared_out() -> None:
    one = Settings(workers=3, max_in_flight=64, decode_threads=2).of_one_worker()
    assert (one.max_in_flight, one.decode_threads) == (21, 1)
    assert one.max_decode_bytes == Settings().max_decode_bytes
