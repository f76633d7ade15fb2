"""What is sent again, how often and how late; on both clients, and on a clock moved by hand."""

import time

import httpx
import pytest

import fovea
from fovea import _calls, _exchange
from fovea._exchange import Exchange, Policy
from fovea._images import Upload
from tests.client.shells import IMAGE, Ask, Script, answered, asynchronous, refused, sync

UNREACHED = httpx.ConnectError("refused")
BROKEN = httpx.ReadError("reset")
SILENT = httpx.ReadTimeout("silence")


@pytest.fixture(params=[sync, asynchronous], ids=["sync", "async"])
def ask(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Ask:
    monkeypatch.setattr(_exchange, "FIRST_PAUSE", 0.001)
    return request.param


@pytest.mark.parametrize(
    "hindrance",
    [refused(503), refused(503, "0"), refused(429, "0"), UNREACHED, BROKEN],
    ids=["503", "503 with Retry-After", "429", "not reached", "broken"],
)
def test_what_passes_is_tried_again(ask: Ask, hindrance: httpx.Response | Exception) -> None:
    script = Script(hindrance, hindrance, answered())
    assert ask(script, "predict", IMAGE).model == "signs"
    assert [request.read() for request in script.requests] == [IMAGE] * 3


def test_it_gives_up_after_two_repetitions_and_says_why(ask: Ask) -> None:
    script = Script(refused(503, "0"))
    with pytest.raises(fovea.Unavailable):
        ask(script, "predict", IMAGE)
    assert len(script.requests) == 3
    script = Script(UNREACHED)
    with pytest.raises(fovea.ConnectError) as caught:
        ask(script, "predict", IMAGE)
    assert len(script.requests) == 3
    assert isinstance(caught.value.__cause__, httpx.ConnectError)


@pytest.mark.parametrize("client", [sync, asynchronous], ids=["sync", "async"])
def test_the_pause_is_really_made(client: Ask) -> None:
    start = time.monotonic()
    client(Script(refused(503, "1"), answered()), "predict", IMAGE)
    assert time.monotonic() - start >= 1


@pytest.mark.parametrize("hindrance", [refused(503), UNREACHED, BROKEN])
def test_it_can_be_switched_off(ask: Ask, hindrance: httpx.Response | Exception) -> None:
    script = Script(hindrance)
    with pytest.raises(fovea.FoveaError):
        ask(script, "predict", IMAGE, options={"retries": 0})
    assert len(script.requests) == 1


@pytest.mark.parametrize("hindrance", [*map(refused, (400, 404, 422, 500, 502, 504)), SILENT])
def test_what_will_not_pass_is_raised_at_once(
    ask: Ask, hindrance: httpx.Response | Exception
) -> None:
    script = Script(hindrance)
    with pytest.raises(fovea.FoveaError):
        ask(script, "predict", IMAGE)
    assert len(script.requests) == 1


@pytest.mark.parametrize("call", ["load", "unload"])
def test_a_change_is_sent_again_only_if_it_cannot_have_arrived(ask: Ask, call: str) -> None:
    for hindrance, times in ((UNREACHED, 3), (BROKEN, 1), (refused(503, "0"), 1)):
        script = Script(hindrance)
        with pytest.raises(fovea.FoveaError):
            ask(script, call, "signs")
        assert len(script.requests) == times


def test_a_probe_takes_no_for_an_answer(ask: Ask) -> None:
    script = Script(refused(503, "0"))
    assert ask(script, "ready") is False
    assert len(script.requests) == 1
    assert ask(Script(UNREACHED), "ready") is False
    assert ask(Script(httpx.Response(200, json={"status": "ready"})), "ready") is True
    with pytest.raises(fovea.ServerError):
        ask(Script(refused(500)), "ready")


class Clock:
    """Seconds that pass only when they are told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def exchange(clock: Clock | None = None, chance: float = 0.5, **policy: float) -> Exchange:
    call = _calls.predict(Upload(IMAGE))
    return Exchange(call, Policy(**policy), clock or Clock(), lambda: chance)


def test_pauses_double_and_chance_takes_its_part() -> None:
    full, half = exchange(chance=1, retries=4), exchange(chance=0.5, retries=4)
    assert [full.after_failure(UNREACHED) for _ in range(4)] == [0.2, 0.4, 0.8, 1.6]
    assert [half.after_refusal(refused(503)) for _ in range(4)] == [0.1, 0.2, 0.4, 0.8]
    with pytest.raises(fovea.ConnectError):
        full.after_failure(UNREACHED)


def test_it_returns_no_earlier_than_the_gateway_asked() -> None:
    assert exchange(chance=0).after_refusal(refused(429, "3")) == 3
    assert exchange(chance=1).after_refusal(refused(503, "3")) == pytest.approx(3.2)


def test_a_longer_wait_than_agreed_is_left_to_the_caller() -> None:
    with pytest.raises(fovea.RateLimited) as caught:
        exchange(longest_wait=2).after_refusal(refused(429, "3"))
    assert caught.value.retry_after == 3
    assert exchange(longest_wait=3, chance=0).after_refusal(refused(429, "3")) == 3


def test_nobody_waits_for_an_attempt_that_would_come_too_late() -> None:
    clock = Clock()
    late = exchange(clock, timeout=4, chance=0)
    clock.now += 0.5
    assert late.after_refusal(refused(503, "3")) == 3
    clock.now += 3
    with pytest.raises(fovea.Unavailable):
        late.after_refusal(refused(503, "1"))


def test_each_attempt_has_the_time_that_is_left() -> None:
    clock = Clock()
    one = exchange(clock, timeout=4)
    assert one.request()["headers"]["X-Timeout-Ms"] == "4000"
    clock.now += 3
    again = one.request()
    assert again["headers"]["X-Timeout-Ms"] == "1000"
    assert (again["timeout"].connect, again["timeout"].read) == (1, 2)
    clock.now += 3
    assert one.request()["headers"]["X-Timeout-Ms"] == "1"
