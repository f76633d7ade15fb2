"""Finished requests as spans at a real collector, by OTLP over HTTP."""

import http.server
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from service.settings import Settings, SettingsError
from service.trace import Stage
from tests.fakes import FakeBackend
from tests.images import jpeg
from tests.service.client import JPEG, gateway

anyio = pytest.mark.anyio

EXPORTER = "opentelemetry.exporter.otlp.proto.http"
TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED = JPEG | {"traceparent": f"00-{TRACE}-{CALLER}-01"}
STAGES = {stage.value for stage in Stage} - {Stage.DRAW}


def test_an_endpoint_without_the_libraries_stops_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, EXPORTER, None)
    with pytest.raises(SettingsError, match=r"FOVEA_OTEL_ENDPOINT .* pip install 'fovea\[otel\]'"):
        Settings.load(otel_endpoint="http://localhost:4318")


@pytest.mark.parametrize("endpoint", ["localhost:4318", "http://", "http://a b", "ftp://a"])
def test_an_endpoint_is_a_url(endpoint: str) -> None:
    with pytest.raises(SettingsError, match="FOVEA_OTEL_ENDPOINT"):
        Settings.load(otel_endpoint=endpoint)


def test_without_an_endpoint_the_sdk_is_not_even_imported() -> None:
    code = (
        "import sys; from service.app import create_app; from service.settings import Settings;"
        "create_app(Settings()); print([m for m in sys.modules if 'opentelemetry.sdk' in m])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


@contextmanager
def collector() -> Iterator[tuple[str, list[Any]]]:
    """The address of one, and the spans that it has been sent."""
    pytest.importorskip(EXPORTER, reason="needs pip install 'fovea[otel]'")
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2  # noqa: PLC0415

    asked, spans = trace_service_pb2.ExportTraceServiceRequest, []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            body = self.rfile.read(int(self.headers["content-length"]))
            for resource in asked.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    spans.extend(scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", spans
        finally:
            server.shutdown()


def told(span: Any) -> dict[str, Any]:
    return {
        item.key: getattr(item.value, item.value.WhichOneof("value")) for item in span.attributes
    }


@anyio
async def test_a_request_is_a_span_of_the_caller_s_with_one_for_each_stage() -> None:
    began = time.time_ns()
    with collector() as (url, spans):
        async with gateway(otel_endpoint=url) as client:
            response = await client.post("/predict", content=jpeg(), headers=SAMPLED)
    root = next(span for span in spans if span.name == "POST /predict")
    stages = [span for span in spans if span is not root]
    assert {span.name for span in stages} == STAGES
    assert {span.trace_id.hex() for span in spans} == {TRACE}
    assert root.parent_span_id.hex() == CALLER
    assert root.span_id.hex() == response.headers["traceparent"].split("-")[2]
    assert {span.parent_span_id for span in stages} == {root.span_id}
    for span in spans:
        assert began <= root.start_time_unix_nano <= span.start_time_unix_nano
        assert span.start_time_unix_nano <= span.end_time_unix_nano <= root.end_time_unix_nano
    assert told(root)["fovea.model"] == "signs"
    assert told(root)["http.response.status_code"] == 200


@anyio
async def test_each_image_of_a_batch_is_a_span_with_its_own_stages() -> None:
    files = [("file", ("a.jpg", jpeg())), ("file", ("b.jpg", b"no image"))]
    headers = {"traceparent": SAMPLED["traceparent"]}
    with collector() as (url, spans):
        async with gateway(otel_endpoint=url) as client:
            await client.post("/predict", files=files, headers=headers)
    good, bad = sorted(
        (span for span in spans if span.name == "image"), key=lambda s: told(s)["fovea.image"]
    )
    inside = {span.name for span in spans if span.parent_span_id == good.span_id}
    assert inside == STAGES - {Stage.READ}
    assert told(bad)["fovea.problem"] == "unreadable-image"


@anyio
async def test_a_failure_of_ours_is_an_error_and_one_of_the_caller_s_is_not() -> None:
    with collector() as (url, spans):
        async with gateway(FakeBackend(failure=RuntimeError()), otel_endpoint=url) as client:
            await client.post("/predict", content=jpeg(), headers=SAMPLED)
            await client.post("/nope", headers=SAMPLED)
    statuses = {span.name: span.status.code for span in spans}
    assert statuses["POST /predict"] == 2
    assert statuses["POST"] == 0  # the path was the caller's word


@anyio
async def test_the_caller_decides_what_is_recorded_and_else_the_share() -> None:
    with collector() as (url, spans):
        async with gateway(otel_endpoint=url, otel_share=0) as client:
            await client.get("/models")
            await client.get("/models", headers=SAMPLED)
        assert [span.name for span in spans] == ["GET /models"]
        unsampled = {"traceparent": SAMPLED["traceparent"][:-1] + "0"}
        async with gateway(otel_endpoint=url) as client:
            await client.get("/models", headers=unsampled)
            await client.get("/models")
            await client.get("/healthz")  # a probe, which nobody wants to see
    assert len(spans) == 2
    assert not spans[1].parent_span_id


@anyio
async def test_a_collector_that_is_away_costs_no_answer_and_little_time_at_the_end() -> None:
    pytest.importorskip(EXPORTER, reason="needs pip install 'fovea[otel]'")
    async with gateway(otel_endpoint="http://127.0.0.1:9") as client:
        response = await client.post("/predict", content=jpeg(), headers=SAMPLED)
        assert response.status_code == 200
        ending = time.monotonic()
    assert time.monotonic() - ending < 10
