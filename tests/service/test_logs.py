"""One JSON object a line, whatever is logged."""

import json
import logging

import pytest

from service.errors import BackendUnavailable
from service.logs import JsonLines
from tests.fakes import FakeBackend
from tests.images import jpeg
from tests.service.client import gateway, predict

anyio = pytest.mark.anyio


def line(message: str, *arguments: object, **extra: object) -> dict:
    record = logging.makeLogRecord(
        {"name": "service", "levelname": "INFO", "msg": message, "args": arguments} | extra
    )
    text = JsonLines().format(record)
    assert "\n" not in text
    return json.loads(text)


def test_a_record_is_one_object_with_its_extras() -> None:
    logged = line("two\nlines of %s", "text", request_id="abc", status=200)
    assert logged["message"] == "two\nlines of text"
    assert (logged["request_id"], logged["status"], logged["level"]) == ("abc", 200, "info")
    assert logged["time"].endswith("Z")


def test_a_failure_brings_its_traceback() -> None:
    logged = line("failed", exc_info=(ValueError, ValueError("cause"), None))
    assert "ValueError: cause" in logged["exception"]


@anyio
async def test_a_request_is_one_line_that_tells_its_course(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, "service.request"):
        async with gateway() as client:
            await predict(client, model="signs")
            await client.get("/healthz")  # a probe: not at this level
    (record,) = [r for r in caplog.records if r.name == "service.request"]
    logged = json.loads(JsonLines().format(record))
    assert logged["message"] == "POST /predict"
    assert (logged["status"], logged["outcome"], logged["model"]) == (200, "ok", "signs")
    assert set(logged["stages_ms"]) >= {"decode", "infer", "total"}
    assert logged["duration_ms"] > 0


@anyio
async def test_a_line_names_the_trace_and_span_that_triton_and_the_caller_are_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, "service.request"):
        async with gateway() as client:
            response = await predict(client)
    logged = caplog.records[-1].__dict__
    _, trace_id, span_id, _ = response.headers["traceparent"].split("-")
    assert (logged["trace_id"], logged["span_id"]) == (trace_id, span_id)


@anyio
async def test_a_batch_is_one_line_that_counts_its_images(caplog: pytest.LogCaptureFixture) -> None:
    files = [("file", ("a.jpg", jpeg())), ("file", ("b.jpg", b"no image"))]
    with caplog.at_level(logging.INFO, "service.request"):
        async with gateway() as client:
            await client.post("/predict", files=files)
    logged = caplog.records[-1].__dict__
    assert (logged["images"], logged["images_failed"], logged["outcome"]) == (2, 1, "ok")


@anyio
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b'{"image": 123, "note": "hush"}'),
        ("application/json", b"hush"),
        ("application/json", b'{"image": "hush!"}'),
        ("image/jpeg", b"hush"),
        ("multipart/form-data; boundary=x", b"hush"),
        ("text/plain", b"hush"),
    ],
)
async def test_neither_query_nor_keys_nor_body_are_logged(
    caplog: pytest.LogCaptureFixture, kind: str, body: bytes
) -> None:
    headers = {"content-type": kind, "authorization": "Bearer hush", "x-api-key": "hush"}
    with caplog.at_level(logging.DEBUG, "service"):
        async with gateway() as client:
            for query in ({}, {"token": "hush"}, {"top_k": "hush"}, {"model": "signs"}):
                response = await client.post(
                    "/predict", content=body, headers=headers, params=query
                )
                assert 400 <= response.status_code < 500
    lines = [JsonLines().format(record) for record in caplog.records]
    assert sum("POST /predict" in line for line in lines) == 4
    assert not any("hush" in line for line in lines)


@anyio
async def test_triton_s_own_words_are_logged_but_not_answered(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failure = BackendUnavailable("away")
    failure.__cause__ = RuntimeError("connect to 10.0.0.7")
    with caplog.at_level(logging.INFO, "service.request"):
        async with gateway(FakeBackend(failure=failure)) as client:
            response = await predict(client)
    assert "10.0.0.7" not in response.text
    assert caplog.records[-1].__dict__["cause"] == "connect to 10.0.0.7"


@anyio
async def test_an_unforeseen_failure_is_logged_in_full(caplog: pytest.LogCaptureFixture) -> None:
    async with gateway(FakeBackend(failure=RuntimeError("the cause"))) as client:
        response = await predict(client)
    assert response.status_code == 500
    failure = next(r for r in caplog.records if r.exc_info)
    logged = json.loads(JsonLines().format(failure))
    assert "the cause" in logged["exception"]
    assert logged["request_id"] == response.headers["x-request-id"]
