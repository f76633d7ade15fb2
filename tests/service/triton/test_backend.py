"""Triton's protocol over real gRPC, and our words for each of its failures."""

import asyncio
import time

import grpc
import numpy as np
import pytest

from service.backend import IndexEntry
from service.errors import (
    BackendUnavailable,
    DeadlineExceeded,
    GatewayError,
    InferenceFailed,
    LoadFailed,
    LoadTimeout,
    ModelNotReady,
    QueueFull,
    UnknownModel,
)
from service.settings import Settings
from service.triton import TritonBackend
from service.values import Deadline
from tests.service.scripted_triton import Script, client, connected, listening
from tests.service.triton.asking import TENSOR, infer

pytestmark = pytest.mark.anyio


async def test_an_inference_carries_the_pixels_and_brings_back_the_array() -> None:
    script = Script()
    async with connected(script) as backend:
        outputs = await infer(backend, version="7")
    sent = script.requests[0]
    assert (sent.model_name, sent.model_version) == ("signs", "7")
    assert (sent.inputs[0].name, sent.inputs[0].datatype) == ("INPUT__0", "UINT8")
    assert list(sent.inputs[0].shape) == [1, 2, 2, 3]
    assert sent.raw_input_contents[0] == TENSOR.tobytes()
    assert [output.name for output in sent.outputs] == ["OUTPUT__0"]
    assert outputs.version == "7"
    np.testing.assert_array_equal(outputs.arrays["OUTPUT__0"], [[0.25, 0.75]])


async def test_the_repository_is_read() -> None:
    async with connected(Script()) as backend:
        await backend.alive()
        assert await backend.index() == (
            IndexEntry("signs", "1", True),
            IndexEntry("signs", "2", False),
            IndexEntry("never", "", False),
        )
        assert await backend.parameters("signs") == {"fovea_recipe": "{}"}
        assert await backend.model_ready("signs")
        assert not await backend.model_ready("never")


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        ("UNAVAILABLE", "[request id: 1] Exceeds maximum queue size", QueueFull),
        ("UNAVAILABLE", "Request timeout expired", QueueFull),
        ("UNAVAILABLE", "Server is stopping, scheduler has stopped", BackendUnavailable),
        ("UNAVAILABLE", "This protocol is restricted, expecting header", InferenceFailed),
        ("UNAVAILABLE", "failed to connect to all addresses", BackendUnavailable),
        ("UNKNOWN", "Stream removed", BackendUnavailable),
        ("INTERNAL", "Received RST_STREAM with error code 2", BackendUnavailable),
        ("DEADLINE_EXCEEDED", "Stream removed (Deadline Exceeded)", DeadlineExceeded),
        ("NOT_FOUND", "Request for unknown model: 'signs' is not found", ModelNotReady),
        ("NOT_FOUND", "'signs' has no available versions", ModelNotReady),
        ("INVALID_ARGUMENT", "unexpected shape for input 'INPUT__0'", InferenceFailed),
        ("INTERNAL", "Traceback: File '/opt/model.py'", InferenceFailed),
        ("UNIMPLEMENTED", "decoupled", InferenceFailed),
        ("CANCELLED", "cancelled", InferenceFailed),
        ("ALREADY_EXISTS", "exists", InferenceFailed),
        ("UNKNOWN", "", InferenceFailed),
        ("RESOURCE_EXHAUSTED", "message larger than max", InferenceFailed),
        ("PERMISSION_DENIED", "no", InferenceFailed),
    ],
)
async def test_each_status_is_translated(
    code: str, text: str, expected: type[GatewayError]
) -> None:
    async with connected(Script(code=grpc.StatusCode[code], text=text)) as backend:
        with pytest.raises(expected) as caught:
            await infer(backend)
    assert type(caught.value) is expected
    assert not text or text not in caught.value.detail
    assert text in str(caught.value.__cause__)  # which the log shows


BROKEN = (
    "load failed for model 'signs': version 1 is at UNAVAILABLE state: Internal: "
    "TritonModelException: cannot open '/srv/my models/signs/1/model.pt' (/etc/x): no archive\n\n"
    "At:\n  /tmp/backends/pytorch/model.py(36): initialize\n;\n"
)


async def test_models_are_loaded_and_unloaded_by_name() -> None:
    script = Script()
    async with connected(script) as backend:
        await backend.load("signs", Deadline.after(5))
        await backend.unload("signs", Deadline.after(5))
    assert [request.model_name for request in script.requests] == ["signs", "signs"]


@pytest.mark.parametrize(
    ("code", "text", "expected", "detail"),
    [
        (
            "INTERNAL",
            "failed to load 'signs', failed to poll from model repository",
            UnknownModel,
            "",
        ),
        ("INVALID_ARGUMENT", BROKEN, LoadFailed, "cannot open 'my model.pt' (x): no archive"),
        ("UNAVAILABLE", "explicit model load / unload is not allowed", LoadFailed, "model control"),
        ("UNAVAILABLE", "failed to connect to all addresses", BackendUnavailable, "reached"),
        ("DEADLINE_EXCEEDED", "Deadline Exceeded", LoadTimeout, "still at work"),
    ],
)
async def test_each_failure_of_a_load_is_translated(
    code: str, text: str, expected: type[GatewayError], detail: str
) -> None:
    async with connected(Script(code=grpc.StatusCode[code], text=text)) as backend:
        for change in (backend.load, backend.unload):
            with pytest.raises(expected) as caught:
                await change("signs", Deadline.after(5))
            assert type(caught.value) is expected
            assert detail in caught.value.detail
            assert text in str(caught.value.__cause__)


async def test_a_load_ends_with_its_deadline() -> None:
    script = Script(delay_seconds=30)
    async with connected(script) as backend:
        with pytest.raises(LoadTimeout):
            await backend.load("signs", Deadline.after(1))
        await asyncio.wait_for(script.cancelled.wait(), 10)


async def test_no_server_is_unavailable_at_once() -> None:
    async with listening(Script()) as port:
        pass
    start = time.monotonic()
    async with client(port) as backend:
        with pytest.raises(BackendUnavailable):
            await infer(backend)
    assert time.monotonic() - start < 2


async def test_the_deadline_ends_the_call_in_triton_too() -> None:
    script = Script(delay_seconds=30)
    async with connected(script) as backend:
        with pytest.raises(DeadlineExceeded) as caught:
            await infer(backend, seconds=1)  # long enough to connect on a busy machine
        await asyncio.wait_for(script.cancelled.wait(), 10)
    assert caught.value.members["stage"] == "infer"


async def test_a_deadline_that_has_passed_asks_nothing() -> None:
    script = Script()
    async with connected(script) as backend:
        with pytest.raises(DeadlineExceeded):
            await infer(backend, seconds=0.001)
    assert not script.requests


async def test_a_cancelled_caller_cancels_the_call() -> None:
    script = Script(delay_seconds=30)
    async with connected(script) as backend, asyncio.timeout(10):
        call = asyncio.create_task(infer(backend))
        await script.inferring.wait()
        call.cancel()
        await script.cancelled.wait()
    assert call.cancelled()


async def test_the_queue_gets_the_time_that_is_left() -> None:
    script = Script()
    async with connected(script) as backend:
        await infer(backend, seconds=5)
    microseconds = script.inferences[0].parameters["timeout"].int64_param
    assert 4_000_000 < microseconds <= 5_000_000


async def test_a_trace_context_goes_along() -> None:
    script = Script()
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with connected(script) as backend:
        await backend.infer(
            "signs", "", {"x": TENSOR}, ["y"], Deadline.after(5), metadata={"traceparent": parent}
        )
    assert script.metadata[0]["traceparent"] == parent


async def test_a_restarted_server_is_found_again_within_seconds() -> None:
    async with listening(Script()) as port:
        backend = TritonBackend(Settings(triton_url=f"127.0.0.1:{port}"))
        await infer(backend)
    with pytest.raises(BackendUnavailable):
        await infer(backend)
    await asyncio.sleep(1)  # time for gRPC to fail at reconnecting, and to back off
    async with listening(Script(), port):
        start = time.monotonic()
        while time.monotonic() - start < 5:
            try:
                await infer(backend)
                break
            except BackendUnavailable:
                await asyncio.sleep(0.1)
        else:
            pytest.fail("the server was not found again")
    await backend.close()


@pytest.mark.parametrize("url", ["", "host", "host:", "a:1,", "a:1,,b:2", "a:1, b:2", "a:b"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="triton_url"):
        Settings(triton_url=url)
