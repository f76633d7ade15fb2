"""Several servers: each is asked for what it has, and left alone while it is not well."""

import asyncio
import time

import grpc
import pytest

from service.backend import IndexEntry
from service.errors import BackendUnavailable, LoadFailed, ModelNotReady, UnknownModel
from service.triton.endpoint import SILENCES
from service.values import Deadline
from tests.service.scripted_triton import Script, client, connected, listening
from tests.service.triton.asking import Notebook, infer

pytestmark = pytest.mark.anyio
FAULTY = "explicit model load / unload is not allowed"


async def test_requests_go_where_the_fewest_are() -> None:
    busy, idle = Script(delay_seconds=60), Script()
    async with connected(busy, idle) as backend:
        waiting = asyncio.create_task(infer(backend, seconds=60))
        await busy.inferring.wait()
        for _ in range(10):
            await infer(backend)
        waiting.cancel()
    assert (len(busy.inferences), len(idle.inferences)) == (1, 10)


async def test_equals_take_turns() -> None:
    scripts = [Script(), Script(), Script()]
    async with connected(*scripts) as backend:
        for _ in range(9):
            await infer(backend)
    assert [len(script.inferences) for script in scripts] == [3, 3, 3]


async def test_the_catalogue_is_what_they_hold_between_them() -> None:
    left = Script(index=(("signs", "1", "READY"), ("cars", "1", "UNAVAILABLE")))
    right = Script(index=(("signs", "2", "READY"), ("cars", "1", "READY"), ("never", "", "")))
    async with connected(left, right) as backend:
        assert set(await backend.index()) == {
            IndexEntry("signs", "1", True),
            IndexEntry("signs", "2", True),
            IndexEntry("cars", "1", True),
            IndexEntry("never", "", False),
        }


async def test_a_model_is_asked_where_it_is() -> None:
    left, right = Script(index=(("signs", "1", "READY"),)), Script(index=(("cars", "2", "READY"),))
    async with connected(left, right) as backend:
        await backend.index()
        for _ in range(4):
            await infer(backend, model="cars")
            await infer(backend, model="signs", version="1")
            assert await backend.parameters("cars")
        with pytest.raises(ModelNotReady):
            await infer(backend, model="signs", version="2")
    assert {one.model_name for one in left.inferences} == {"signs"}
    assert {one.model_name for one in right.inferences} == {"cars"}
    assert not any("ModelConfig" in type(one).__name__ for one in left.requests)


async def test_a_server_that_is_gone_gets_nothing_until_it_is_back() -> None:
    notebook, stays, goes = Notebook(), Script(), Script()
    async with listening(stays) as stays_at:
        async with listening(goes) as goes_at:
            pass
        async with client(goes_at, stays_at, watcher=notebook) as backend:
            index = await backend.index()
            assert IndexEntry("signs", "1", True) in index
            assert notebook.health[f"127.0.0.1:{goes_at}"] == "down"
            for _ in range(4):
                await infer(backend)
            async with listening(goes, goes_at):
                while notebook.health[f"127.0.0.1:{goes_at}"] != "up":
                    await backend.index()
                    await asyncio.sleep(0.1)
                for _ in range(4):
                    await infer(backend)
    assert not notebook.retries
    assert (len(stays.inferences), len(goes.inferences)) == (6, 2)


async def test_what_only_a_server_has_that_stops_is_listed_but_not_ready() -> None:
    stays, stops = Script(index=(("signs", "1", "READY"),)), Script(index=(("cars", "1", "READY"),))
    async with connected(stays, stops) as backend:
        await backend.index()
        stops.code, stops.text = grpc.StatusCode.UNAVAILABLE, "Server not ready"
        assert set(await backend.index()) == {
            IndexEntry("signs", "1", True),
            IndexEntry("cars", "1", False),
        }


async def test_a_server_that_takes_questions_and_answers_none_is_not_asked() -> None:
    notebook, hangs, works = Notebook(), Script(silent=True), Script()
    async with connected(hangs, works, watcher=notebook) as backend:
        for _ in range(SILENCES):
            assert "silent" not in notebook.health.values()  # once may be a busy machine
            await backend.index()
        assert "silent" in notebook.health.values()
        for _ in range(4):
            await infer(backend)
        assert not hangs.inferences
        hangs.silent = False
        await backend.index()
        assert set(notebook.health.values()) == {"up"}


async def test_where_none_answers_nobody_waits() -> None:
    async with connected(Script(silent=True)) as backend:
        await asyncio.gather(*(backend.index() for _ in range(SILENCES)), return_exceptions=True)
        start = time.monotonic()
        with pytest.raises(BackendUnavailable, match="does not answer"):
            await infer(backend)
        assert time.monotonic() - start < 1


async def test_answers_to_callers_say_that_a_server_is_only_busy() -> None:
    notebook, busy = Notebook(), Script(silent=True)
    async with connected(busy, watcher=notebook) as backend:
        for _ in range(2):
            looks = (backend.index() for _ in range(SILENCES - 1))
            await asyncio.gather(*looks, return_exceptions=True)
            await infer(backend)
    assert "silent" not in notebook.health.values()


async def test_any_server_that_lives_will_do() -> None:
    async with listening(Script()) as gone:
        pass
    async with listening(Script()) as port, client(gone, port) as backend:
        await backend.alive()
        assert await backend.model_ready("signs")
        assert not await backend.model_ready("never")


async def test_a_model_is_loaded_everywhere_and_where_it_is_not_known_does_not_matter() -> None:
    knows, does_not = Script(), Script(code=grpc.StatusCode.INTERNAL)
    does_not.text = "failed to load 'signs', failed to poll from model repository"
    async with connected(knows, does_not) as backend:
        await backend.load("signs", Deadline.after(5))
        does_not.text = FAULTY
        with pytest.raises(LoadFailed):
            await backend.load("signs", Deadline.after(5))
    async with connected(Script(code=does_not.code, text="failed to poll")) as backend:
        with pytest.raises(UnknownModel):
            await backend.load("signs", Deadline.after(5))
