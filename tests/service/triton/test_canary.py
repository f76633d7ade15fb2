"""A model that says it is ready and fails is found out, and a bad input is not held against it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import grpc
import numpy as np
import pytest

from service.backend import Sample
from service.errors import InferenceFailed, ModelBroken
from service.triton import TritonBackend
from tests.service.scripted_triton import Script, client, connected, listening
from tests.service.triton.asking import TENSOR, Notebook, infer

pytestmark = pytest.mark.anyio
DEAD = "Stub process 'signs_0' is not healthy."
BLANK = np.zeros_like(TENSOR)
SAMPLES = {"signs": Sample({"INPUT__0": BLANK}, ["OUTPUT__0"])}


def samples() -> dict[str, Sample]:
    return SAMPLES


@asynccontextmanager
async def watching(backend: TritonBackend) -> AsyncIterator[None]:
    await backend.index()
    task = asyncio.create_task(backend.keep_watch(samples))
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], object], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the server knows of no event
            await asyncio.sleep(0.02)


def dead() -> Script:
    return Script(infer_code=grpc.StatusCode.INTERNAL, text=DEAD)


def is_blank(pixels: bytes) -> bool:
    return not any(pixels)


async def test_an_idle_model_is_tried_with_a_blank_image_again_and_again() -> None:
    script = Script()
    async with connected(script, canary_seconds=0.5) as backend, watching(backend):
        await until(lambda: len(script.inferences) >= 3)
    assert {one.raw_input_contents[0] for one in script.inferences} == {BLANK.tobytes()}


async def test_a_model_that_answers_its_callers_is_left_alone() -> None:
    script = Script()
    async with connected(script, canary_seconds=1) as backend:
        await infer(backend)
        async with watching(backend):
            for _ in range(15):
                await infer(backend)
                await asyncio.sleep(0.1)
    assert not any(is_blank(one.raw_input_contents[0]) for one in script.inferences)


async def test_a_dead_model_is_found_out_and_refused_at_once_until_it_works() -> None:
    notebook, script = Notebook(), Script()
    settings = {"watcher": notebook, "canary_seconds": 0.5}
    async with connected(script, **settings) as backend, watching(backend):
        await until(lambda: script.inferences)
        assert await backend.model_ready("signs")
        script.infer_code, script.text = grpc.StatusCode.INTERNAL, DEAD
        await until(lambda: "open" in notebook.breakers)
        asked = len(script.inferences)
        assert not await backend.model_ready("signs")
        start = time.monotonic()
        with pytest.raises(ModelBroken) as caught:
            await infer(backend)
        assert time.monotonic() - start < 0.1
        assert len(script.inferences) == asked
        assert caught.value.retry_after_seconds == 1
        script.infer_code = None
        await until(lambda: notebook.breakers[-1] == "closed")
        await infer(backend)
    assert notebook.breakers == ["open", "half_open", "closed"]


async def test_it_is_left_alone_only_where_it_is_dead() -> None:
    bad, good, notebook = dead(), Script(), Notebook()
    async with connected(bad, good, watcher=notebook) as backend, watching(backend):
        await until(lambda: "open" in notebook.breakers)
        asked = len(bad.inferences)
        assert await backend.model_ready("signs")
        for _ in range(6):
            await infer(backend)
    assert not any(not is_blank(one.raw_input_contents[0]) for one in bad.inferences[asked:])
    assert not notebook.retries


async def test_failing_callers_bring_the_canary_at_once() -> None:
    notebook, script = Notebook(), Script()
    settings = {"watcher": notebook, "canary_seconds": 3600}
    async with connected(script, **settings) as backend, watching(backend):
        await until(lambda: script.inferences)
        await asyncio.sleep(1)
        script.infer_code = grpc.StatusCode.INTERNAL
        for _ in range(5):
            with pytest.raises(InferenceFailed):
                await infer(backend)
        await until(lambda: "open" in notebook.breakers, seconds=2)


async def test_a_bad_input_however_often_it_comes_closes_no_model_to_others() -> None:
    notebook = Notebook()
    script = Script(infer_code=grpc.StatusCode.INTERNAL, text="cannot do it")
    script.fails_at = lambda pixels: not is_blank(pixels)
    async with connected(script, watcher=notebook) as backend, watching(backend):
        await until(lambda: script.inferences)
        for _ in range(60):
            with pytest.raises(InferenceFailed):
                await infer(backend)
            await asyncio.sleep(0.05)
    assert "suspect" in notebook.breakers
    assert "open" not in notebook.breakers


async def test_a_model_that_cannot_digest_a_blank_image_serves_its_callers() -> None:
    notebook, script = Notebook(), Script(infer_code=grpc.StatusCode.INTERNAL, fails_at=is_blank)
    async with connected(script, watcher=notebook, canary_seconds=0.3) as backend:
        await infer(backend)
        async with watching(backend):
            await until(lambda: sum(is_blank(i.raw_input_contents[0]) for i in script.inferences))
            await asyncio.sleep(1)
            await infer(backend)
    assert "open" not in notebook.breakers


async def test_a_model_that_hangs_is_found_out() -> None:
    notebook, script = Notebook(), Script(delay_seconds=60)
    settings = {"timeout_seconds": 0.3, "canary_seconds": 5}
    async with connected(script, watcher=notebook, **settings) as backend, watching(backend):
        await until(lambda: "open" in notebook.breakers)
    assert notebook.breakers[:2] == ["suspect", "open"]


async def test_a_restarted_server_is_tried_without_delay() -> None:
    notebook = Notebook()
    async with AsyncExitStack() as stack:
        async with listening(dead()) as port:
            settings = {"watcher": notebook, "canary_seconds": 3600}
            backend = await stack.enter_async_context(client(port, **settings))
            await stack.enter_async_context(watching(backend))
            await until(lambda: "open" in notebook.breakers)
        await stack.enter_async_context(listening(Script(), port))
        async with asyncio.timeout(10):
            while notebook.breakers[-1] != "closed":
                await asyncio.gather(backend.index(), return_exceptions=True)
                await asyncio.sleep(0.1)


async def test_without_canaries_callers_find_it_out() -> None:
    notebook, script = Notebook(), dead()
    async with connected(script, watcher=notebook, canary_seconds=0) as backend:
        await backend.index()
        async with asyncio.timeout(10):
            while "open" not in notebook.breakers:
                with pytest.raises(InferenceFailed):
                    await infer(backend)
                await asyncio.sleep(0.1)
        with pytest.raises(ModelBroken):
            await infer(backend)
        script.infer_code = None
        await asyncio.sleep(1.1)
        await infer(backend)
    assert notebook.breakers == ["suspect", "open", "half_open", "closed"]
