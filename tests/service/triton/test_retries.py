"""An inference is tried again where that may help, and never so often that it hurts."""

import grpc
import pytest

from service.errors import (
    BackendUnavailable,
    DeadlineExceeded,
    GatewayError,
    InferenceFailed,
    QueueFull,
)
from service.triton.budget import BURST
from tests.service.scripted_triton import Script, connected
from tests.service.triton.asking import Notebook, infer

pytestmark = pytest.mark.anyio


def failing(code: str, text: str = "") -> Script:
    return Script(infer_code=grpc.StatusCode[code], text=text)


@pytest.mark.parametrize(
    ("code", "text", "fault"),
    [
        ("UNAVAILABLE", "Socket closed", "unreachable"),
        ("UNAVAILABLE", "Server is stopping, scheduler has stopped", "stopping"),
        ("NOT_FOUND", "'signs' has no available versions", "gone"),
        ("INTERNAL", "Stub process 'signs_0' is not healthy.", "broken"),
    ],
)
async def test_what_fails_at_one_server_is_asked_of_another(
    code: str, text: str, fault: str
) -> None:
    notebook, bad, good = Notebook(), failing(code, text), Script()
    async with connected(bad, good, watcher=notebook) as backend:
        for _ in range(2):  # one of which at least meets the bad server first
            await infer(backend)
    assert len(good.inferences) == 2
    assert notebook.retries == {fault: len(bad.inferences)}
    assert bad.inferences


@pytest.mark.parametrize(
    ("code", "text", "error"),
    [
        ("UNAVAILABLE", "Exceeds maximum queue size", QueueFull),
        ("UNAVAILABLE", "Request timeout expired", QueueFull),
        ("UNAVAILABLE", "This protocol is restricted", InferenceFailed),
        ("INVALID_ARGUMENT", "unexpected shape", InferenceFailed),
        ("DEADLINE_EXCEEDED", "", DeadlineExceeded),
    ],
)
async def test_what_would_fail_elsewhere_too_is_not_asked_again(
    code: str, text: str, error: type[GatewayError]
) -> None:
    scripts = failing(code, text), failing(code, text)
    async with connected(*scripts) as backend:
        with pytest.raises(error):
            await infer(backend)
    assert sum(len(script.inferences) for script in scripts) == 1


@pytest.mark.parametrize(
    ("code", "attempts", "error"),
    [("UNAVAILABLE", 2, BackendUnavailable), ("INTERNAL", 1, InferenceFailed)],
)
async def test_a_lone_server_is_asked_again_once_if_the_connection_broke(
    code: str, attempts: int, error: type[GatewayError]
) -> None:
    script = failing(code, "Socket closed")
    async with connected(script) as backend:
        with pytest.raises(error):
            await infer(backend)
    assert len(script.inferences) == attempts


async def test_a_request_is_tried_three_times_at_most() -> None:
    scripts = [failing("INTERNAL") for _ in range(5)]
    async with connected(*scripts) as backend:
        with pytest.raises(InferenceFailed):
            await infer(backend)
    assert sum(len(script.inferences) for script in scripts) == 3


async def test_a_passed_deadline_is_the_end() -> None:
    scripts = Script(delay_seconds=5), Script(delay_seconds=5)
    async with connected(*scripts) as backend:
        with pytest.raises(DeadlineExceeded):
            await infer(backend, seconds=0.5)
    assert sum(len(script.inferences) for script in scripts) == 1


async def test_an_outage_is_not_made_worse() -> None:
    """Of many requests that fail, a burst and then a tenth is tried again."""
    requests = 200
    notebook = Notebook()
    scripts = failing("UNAVAILABLE", "Socket closed"), failing("UNAVAILABLE", "Socket closed")
    async with connected(*scripts, watcher=notebook) as backend:
        for _ in range(requests):
            with pytest.raises(BackendUnavailable):
                await infer(backend)
    asked = sum(len(script.inferences) for script in scripts)
    assert asked - requests == notebook.retries["unreachable"]
    assert asked - requests <= BURST + requests / 10
    assert notebook.refusals["unreachable"] > 0
