"""python -m service as a process: its command line, its end, and connections that misbehave."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest

from contract.codec import encode
from service.settings import Settings
from tests.fakes import recipe
from tests.images import jpeg
from tests.service.client import JPEG
from tests.service.scripted_triton import Script, listening

pytestmark = pytest.mark.anyio
RECIPE = encode(recipe(labels=("cat", "dog")))


@dataclass
class Gateway:
    process: asyncio.subprocess.Process
    client: httpx.AsyncClient
    welcome: str

    async def end(self) -> list[dict]:
        """Wait for the process; its log."""
        _, log = await self.process.communicate()
        return [json.loads(line) for line in log.decode().splitlines()]

    async def predict(self, **query: str) -> httpx.Response:
        return await self.client.post("/predict", content=jpeg(), headers=JPEG, params=query)


async def command(*arguments: str, **environment: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "service", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env=os.environ | environment,
    )  # fmt: skip


@asynccontextmanager
async def running(script: Script, **environment: str) -> AsyncIterator[Gateway]:
    async with listening(script) as port:
        environment["FOVEA_TRITON_URL"] = f"127.0.0.1:{port}"
        process = await command("--port", "0", **environment)
        assert process.stdout is not None
        welcome = [(await process.stdout.readline()).decode() for _ in range(2)]
        url = welcome[0].split()[3]
        async with httpx.AsyncClient(base_url=url, timeout=10) as client:
            yield Gateway(process, client, "".join(welcome))
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_help_lists_every_variable() -> None:
    process = await command("--help")
    out, _ = await process.communicate()
    assert process.returncode == 0
    assert Settings.table() in out.decode()


@pytest.mark.parametrize(
    ("name", "value"), [("FOVEA_PROT", "80"), ("FOVEA_PORT", "x"), ("FOVEA_MAX_SIDE", "-1")]
)
async def test_a_wrong_variable_stops_the_start_in_one_line(name: str, value: str) -> None:
    process = await command(**{name: value})
    _, log = await process.communicate()
    assert process.returncode == 2
    assert log.decode().count("\n") == 1
    assert name in log.decode()


async def test_a_port_that_is_taken_is_said() -> None:
    async with listening(Script()) as port:
        process = await command("--port", str(port))
        _, log = await process.communicate()
    assert process.returncode not in (0, None)
    assert "address already in use" in log.decode()


async def test_it_says_where_it_listens_and_how_to_ask() -> None:
    async with running(Script(recipe=RECIPE)) as gateway:
        response = await gateway.predict(model="signs")
        assert "predict?model=signs" in gateway.welcome
        assert "curl --data-binary" in gateway.welcome
    assert response.json()["predictions"][0]["label"] == "dog"
    assert "server" not in response.headers


async def test_what_was_accepted_is_finished_at_the_end() -> None:
    async with running(Script(recipe=RECIPE, delay_seconds=0.5)) as gateway:
        pending = asyncio.create_task(gateway.predict())
        await asyncio.sleep(0.25)
        gateway.process.send_signal(signal.SIGTERM)
        response = await pending
        log = await gateway.end()
        assert response.status_code == 200
        assert gateway.process.returncode == 0
    assert log[-1]["status"] == 200


async def test_it_serves_on_while_it_drains_but_is_not_ready() -> None:
    async with running(Script(recipe=RECIPE), FOVEA_DRAIN_SECONDS="1") as gateway:
        assert (await gateway.client.get("/readyz")).status_code == 200
        gateway.process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.4)
        ready = await gateway.client.get("/readyz")
        assert ready.status_code == 503
        assert ready.json()["detail"] == "the gateway is shutting down"
        assert ready.headers["connection"] == "close"
        assert (await gateway.predict()).status_code == 200
        await gateway.end()


async def test_a_caller_that_leaves_is_let_go_quietly() -> None:
    async with running(Script(recipe=RECIPE)) as gateway:
        url = gateway.client.base_url
        _, writer = await asyncio.open_connection(url.host, url.port)
        head = "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"
        writer.write(f"{head}Content-Length: 100000\r\n\r\nhalf".encode())
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.close()
        await writer.wait_closed()
        assert (await gateway.predict()).status_code == 200
        counted = (await gateway.client.get("/metrics")).text
        gateway.process.terminate()
        log = await gateway.end()
    assert 'outcome="cancelled",version=""} 1.0' in counted
    assert [line["outcome"] for line in log if "outcome" in line] == ["cancelled", "ok"]
    assert not any(line["level"] in ("warning", "error") for line in log)


async def test_an_answer_before_the_body_was_read_leaves_the_connection_usable() -> None:
    async with running(Script(recipe=RECIPE), FOVEA_MAX_BODY_BYTES="100000") as gateway:
        for status, query in ((404, {"model": "nope"}), (413, {})):
            response = await gateway.client.post(
                "/predict", content=bytes(5_000_000), headers=JPEG, params=query
            )
            assert response.status_code == status
        assert (await gateway.predict()).status_code == 200
