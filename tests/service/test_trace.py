"""Trace Context: what is taken over, what starts anew, and where it goes on to."""

import re

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.trace import Outcome, Stage, Trace
from service.traceparent import TraceContext, begin, proceed
from tests.fakes import FakeBackend
from tests.images import jpeg
from tests.service.client import JPEG, gateway

anyio = pytest.mark.anyio

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{CALLER}-01"
OURS = re.compile(rf"00-{TRACE}-(?!{CALLER})[0-9a-f]{{16}}-01")


def taken(parent: str, *states: str) -> TraceContext | None:
    return proceed([parent.encode()], [state.encode() for state in states])


def test_the_trace_of_the_caller_goes_on_with_a_span_of_ours() -> None:
    context = taken(PARENT, "congo=t61rcWkgMzE", "rojo=00f067aa0ba902b7")
    assert context is not None
    assert OURS.fullmatch(context.header)
    assert context.parent_id == CALLER
    assert context.state == "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"


@pytest.mark.parametrize(
    "parent",
    [
        "",
        "00",
        PARENT.upper(),
        PARENT + "-",
        PARENT + "-extra",  # only a later version may have more
        PARENT[:-1],
        PARENT.replace("-", "_"),
        f"ff-{TRACE}-{CALLER}-01",
        f"0-{TRACE}-{CALLER}-01",
        f"00-{'0' * 32}-{CALLER}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[:-1]}g-{CALLER}-01",
        f"cc-{TRACE}-{CALLER}-01.extra",
    ],
)
def test_what_is_not_valid_is_not_taken_over(parent: str) -> None:
    assert taken(parent) is None


def test_two_parents_are_none() -> None:
    assert proceed([PARENT.encode()] * 2, []) is None


@pytest.mark.parametrize("rest", ["", "-what-the-future-will-be-like"])
def test_a_later_version_is_read_as_far_as_it_is_known(rest: str) -> None:
    context = taken(f"cc-{TRACE}-{CALLER}-09{rest}")
    assert context is not None
    assert OURS.fullmatch(context.header)


@pytest.mark.parametrize(("flags", "sampled"), [("00", False), ("01", True), ("fe", False)])
def test_the_caller_decides_whether_it_is_recorded(flags: str, sampled: bool) -> None:
    context = taken(f"00-{TRACE}-{CALLER}-{flags}")
    assert context is not None
    assert context.sampled == sampled


@pytest.mark.parametrize(
    ("state", "passed_on"),
    [
        ("foo=1", "foo=1"),
        (" foo=1 ,\t,bar=2", "foo=1,bar=2"),
        ("a-tenant@system=x y", "a-tenant@system=x y"),
        (",".join(f"k{i}=1" for i in range(32)), ",".join(f"k{i}=1" for i in range(32))),
        (",".join(f"k{i}=1" for i in range(33)), ""),
        ("foo", ""),
        ("foo=", ""),
        ("FOO=1", ""),
        ("foo=1=2", ""),
        ("foo=\x01", ""),
        ("f" * 300 + "=1", ""),
        (f"foo={'v' * 256}", f"foo={'v' * 256}"),
        (f"foo={'v' * 257}", ""),
        (f"foo={'v' * 256},bar={'v' * 256}", ""),  # longer than everybody passes on
    ],
)
def test_the_state_is_passed_on_whole_or_not_at_all(state: str, passed_on: str) -> None:
    context = taken(PARENT, state)
    assert context is not None
    assert context.state == passed_on


@given(st.lists(st.binary(max_size=70), max_size=2), st.lists(st.binary(max_size=70), max_size=3))
def test_no_header_breaks_anything(parents: list[bytes], states: list[bytes]) -> None:
    context = proceed(parents, states)
    assert context is None or re.fullmatch(rf"00-{context.trace_id}-.{{16}}-0[01]", context.header)


def test_spans_and_traces_differ() -> None:
    contexts = [begin() for _ in range(1000)]
    assert len({one.trace_id for one in contexts}) == len({one.span_id for one in contexts}) == 1000


def test_an_image_that_was_not_done_shares_its_request_s_outcome() -> None:
    trace = Trace("me", model="signs")
    done, begun, waiting = (trace.begin_image() for _ in range(3))
    done.enter(Stage.DECODE)
    done.enter(None)
    begun.enter(Stage.INFER)
    trace.outcome = Outcome.CANCELLED
    trace.end()
    assert (done.outcome, begun.outcome) == (Outcome.OK, Outcome.CANCELLED)
    assert set(begun.seconds) == {Stage.INFER}
    assert not waiting.seconds


async def ask(client: httpx.AsyncClient, **headers: str) -> httpx.Response:
    return await client.post("/predict", content=jpeg(), headers=JPEG | headers)


@anyio
async def test_triton_and_the_caller_are_told_the_same_span() -> None:
    backend = FakeBackend()
    async with gateway(backend) as client:
        response = await ask(client, traceparent=PARENT, tracestate="foo=1")
    assert OURS.fullmatch(response.headers["traceparent"])
    told = {"traceparent": response.headers["traceparent"], "tracestate": "foo=1"}
    assert backend.metadata == [told]


@anyio
async def test_triton_hears_of_no_trace_that_nobody_records() -> None:
    backend = FakeBackend()
    async with gateway(backend) as client:
        unrecorded = await ask(client, traceparent=PARENT[:-1] + "0")
        fresh = await ask(client)
    assert backend.metadata == [{}, {}]
    assert unrecorded.headers["traceparent"].split("-")[1] == TRACE
    assert fresh.headers["traceparent"].endswith("-00")


@anyio
async def test_failures_carry_the_trace_too() -> None:
    async with gateway(FakeBackend(failure=RuntimeError("the cause"))) as client:
        for path, status in (("/predict", 500), ("/nope", 404)):
            response = await client.post(
                path, content=jpeg(), headers=JPEG | {"traceparent": PARENT}
            )
            assert response.status_code == status
            assert OURS.fullmatch(response.headers["traceparent"])
