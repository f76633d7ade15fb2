"""A caller that leaves stops the work that is done for him."""

import asyncio
import json
import logging

import pytest
from starlette.requests import ClientDisconnect

from service.app import create_app
from service.presence import Presence
from service.settings import Settings
from tests.fakes import FakeBackend
from tests.images import jpeg

pytestmark = pytest.mark.anyio


async def never() -> None:
    await asyncio.Event().wait()


async def unwatched() -> None:
    with Presence(never):
        await never()


async def test_the_work_of_one_who_stays_is_done() -> None:
    before = asyncio.all_tasks()
    with Presence(never):
        await asyncio.sleep(0)
        assert asyncio.all_tasks() > before
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before  # nobody watches any longer


async def test_the_work_of_one_who_leaves_is_cancelled() -> None:
    left, done = asyncio.Event(), []

    async def work() -> None:
        with Presence(left.wait):
            await never()
        done.append(1)

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    left.set()
    with pytest.raises(ClientDisconnect):
        await task
    assert not done


async def test_who_leaves_when_the_work_is_done_is_answered() -> None:
    left = asyncio.Event()
    with Presence(left.wait):
        await asyncio.sleep(0)
        left.set()
    await asyncio.sleep(0.01)


async def test_a_deadline_inside_or_outside_stays_a_deadline() -> None:
    with Presence(never), pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await never()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(unwatched(), 0.01)


async def test_cancelling_from_outside_stays_cancelling() -> None:
    task = asyncio.create_task(unwatched())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def begun(backend: FakeBackend) -> None:
    while not backend.running:  # noqa: ASYNC110 - nothing tells
        await asyncio.sleep(0.001)


async def test_a_request_whose_caller_leaves_is_no_longer_worked_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    backend = FakeBackend(delay_seconds=30)
    app = create_app(Settings(), backend)
    messages: asyncio.Queue[dict] = asyncio.Queue()
    sent: list[dict] = []

    async def send(message: dict) -> None:
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
        "path": "/predict", "raw_path": b"/predict", "query_string": b"", "root_path": "",
        "scheme": "http", "headers": [(b"content-type", b"image/jpeg")],
    }  # fmt: skip
    messages.put_nowait({"type": "http.request", "body": jpeg(), "more_body": False})
    async with app.router.lifespan_context(app):
        with caplog.at_level(logging.INFO, "service.request"):
            request = asyncio.create_task(app(scope, messages.get, send))
            await asyncio.wait_for(begun(backend), 5)
            messages.put_nowait({"type": "http.disconnect"})
            await asyncio.wait_for(request, 5)
    assert backend.running == 0
    assert [message.get("status") for message in sent] == [499, None]
    (record,) = (r for r in caplog.records if r.name == "service.request")
    assert (record.outcome, record.status) == ("cancelled", 499)
    assert json.dumps(record.stages_ms)
