"""The Open Inference Protocol before a scripted Triton: what is sent on, and what is refused."""

import asyncio
import gzip
import hashlib
import json
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
import pytest
from tritonclient.grpc import service_pb2

from service.app import create_app
from service.errors import BodyTooLarge
from service.inference_protocol.compression import decompress
from service.settings import Settings
from tests.service.client import gateway
from tests.service.scripted_triton import Script, connected

pytestmark = pytest.mark.anyio
INFER = "/v2/models/signs/infer"
ROW = np.array([[1, 2, 3]], np.float32)


@dataclass
class Speaking(Script):
    """Has one model with an FP32 and an optional BYTES input; answers its inputs as they are."""

    most_columns: int = 3
    described: list[str] = field(default_factory=list)

    async def ServerMetadata(self, request: Any, context: Any) -> Any:  # noqa: N802
        await self._hear(request, context)
        return service_pb2.ServerMetadataResponse(name="triton", extensions=["statistics", "trace"])

    async def ModelMetadata(self, request: Any, context: Any) -> Any:  # noqa: N802
        await self._hear(request, context)
        self.described.append(request.version)
        answer = service_pb2.ModelMetadataResponse(name=request.name, versions=["1"])
        for tensors in (answer.inputs, answer.outputs):
            tensors.add(name="x", datatype="FP32", shape=[-1, self.most_columns])
            tensors.add(name="words", datatype="BYTES", shape=[-1, -1])
        return answer

    async def ModelConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        answer = await super().ModelConfig(request, context)
        answer.config.max_batch_size = 4
        answer.config.input.add(name="x", dims=[self.most_columns])
        answer.config.input.add(name="words", dims=[-1], optional=True)
        return answer

    async def ModelInfer(self, request: Any, context: Any) -> Any:  # noqa: N802
        await super().ModelInfer(request, context)
        answer = service_pb2.ModelInferResponse(
            model_name=request.model_name, model_version="1", id=request.id
        )
        for one in request.inputs:
            answer.outputs.add(name=one.name, datatype=one.datatype, shape=one.shape)
        answer.raw_output_contents.extend(request.raw_input_contents)
        answer.parameters["took"].int64_param = 7
        return answer


@asynccontextmanager
async def asked(
    script: Script | None = None, **settings: Any
) -> AsyncIterator[tuple[httpx.AsyncClient, Script]]:
    script = script or Speaking()
    async with connected(script) as backend, gateway(backend, **settings) as client:
        yield client, script


def tensor(array: np.ndarray = ROW, **changes: Any) -> dict[str, Any]:
    told = {"name": "x", "datatype": "FP32", "shape": list(array.shape), "data": array.tolist()}
    return {name: part for name, part in (told | changes).items() if part is not None}


def framed(*raws: bytes, **head: Any) -> tuple[bytes, dict[str, str]]:
    """A body with binary tensors, and the header that says where they begin."""
    text = json.dumps(head).encode()
    return b"".join([text, *raws]), {"Inference-Header-Content-Length": str(len(text))}


def binary(raw: bytes, **changes: Any) -> dict[str, Any]:
    return tensor(data=None, parameters={"binary_data_size": len(raw)}, **changes)


async def test_tensors_go_on_and_come_back_as_they_are() -> None:
    async with asked() as (client, script):
        words = {"name": "words", "datatype": "BYTES", "shape": [1, 2], "data": [["grün", ""]]}
        body, headers = framed(
            ROW.tobytes(),
            id="mine",
            inputs=[binary(ROW.tobytes()), words],
            outputs=[{"name": "x", "parameters": {"binary_data": True}}, {"name": "words"}],
            parameters={"priority": 2, "note": "a", "share": 0.5, "sure": True},
        )
        headers["traceparent"] = f"00-{'a' * 32}-{'b' * 16}-01"
        answer = await client.post(INFER, content=body, headers=headers)
        sent = script.inferences[0]
        assert sent.raw_input_contents[0] == ROW.tobytes()
        assert sent.raw_input_contents[1] == b"\x05\x00\x00\x00gr\xc3\xbcn\x00\x00\x00\x00"
        assert [one.name for one in sent.outputs] == ["x", "words"]
        parameters = sent.parameters
        assert parameters["priority"].int64_param == 2
        assert parameters["note"].string_param == "a"
        assert parameters["share"].double_param == 0.5
        assert parameters["sure"].bool_param is True
        size = int(answer.headers["inference-header-content-length"])
        assert json.loads(answer.content[:size]) == {
            "id": "mine",
            "model_name": "signs",
            "model_version": "1",
            "parameters": {"took": 7},
            "outputs": [
                tensor(data=None, parameters={"binary_data_size": 12}),
                {"name": "words", "datatype": "BYTES", "shape": [1, 2], "data": ["grün", ""]},
            ],
        }  # fmt: skip
        assert answer.content[size:] == ROW.tobytes()
        assert answer.headers["content-type"] == "application/octet-stream"
        assert "model=signs, version=1" in answer.headers["x-routing"]
        assert script.metadata[0]["traceparent"].startswith(f"00-{'a' * 32}-")


async def test_classes_are_asked_for_of_triton() -> None:
    async with asked() as (client, script):
        output = {"name": "x", "parameters": {"classification": 3}}
        await client.post(INFER, json={"inputs": [tensor()], "outputs": [output]})
        assert script.inferences[0].outputs[0].parameters["classification"].int64_param == 3


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (tensor(data=[1, 2]), "input 'x': the shape [1, 3] does not hold 2 elements"),
        (tensor(data=[1, 2, "3"]), "no FP32"),
        (tensor(data=[[1, 2], [3]]), "not nested evenly"),
        (tensor(data=None), "neither 'data'"),
        (tensor(datatype="FP31"), "no datatype 'FP31'"),
        (tensor(datatype="FP16"), "only be sent as binary"),
        (tensor(shape=[3]), "[3] does not fit"),
        (tensor(shape=[3, 1]), "[3, 1] does not fit"),
        (tensor(parameters={"shared_memory_region": "r"}), "'shared_memory_region'"),
        (tensor(parameters={"binary_data_size": 12}), "both 'data'"),
        (tensor(data=None, parameters={"binary_data_size": 12}), "0 bytes are left"),
        (tensor(data=None, parameters={"binary_data_size": True}), "no number of bytes"),
        (tensor(name="z"), "no input 'z'; it has x, words"),
        (tensor(name="words", datatype="BYTES", data=["a", "b", "c"]), "input 'x' is missing"),
    ],
)  # fmt: skip
async def test_a_tensor_that_does_not_fit_is_refused_by_name(one: dict, words: str) -> None:
    async with asked() as (client, script):
        answer = await client.post(INFER, json={"inputs": [one]})
        assert answer.status_code == 422
        assert words in answer.json()["detail"]
        assert answer.json()["error"] == answer.json()["detail"]
        assert answer.json()["type"] == "urn:fovea:problem:invalid-parameter"
        assert not script.inferences


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"\x02\x00\x00\x00a", "longer than its data"),
        (b"\x01\x00\x00", "no whole length"),
        (b"\x01\x00\x00\x00a", "has 2 elements, not 1"),
    ],
)
async def test_the_lengths_inside_a_tensor_of_bytes_must_be_right(raw: bytes, words: str) -> None:
    async with asked() as (client, _):
        one = binary(raw, name="words", datatype="BYTES", shape=[1, 2])
        body, headers = framed(raw, inputs=[tensor(), one])
        answer = await client.post(INFER, content=body, headers=headers)
        assert answer.status_code == 422
        assert words in answer.json()["error"]


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"[]", {}, 400),
        (b'{"inputs": 1}', {}, 400),
        (b'{"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, -3]}]}', {}, 400),
        (b"[" * 100_000, {}, 400),
        (b"{}", {"inference-header-content-length": "3"}, 422),
        (b"{}", {"inference-header-content-length": "-2"}, 422),
        (b"{}", {"inference-header-content-length": "0"}, 422),
        (b'{"inputs": []}xx', {"inference-header-content-length": "14"}, 422),
        (b"{}", {"content-encoding": "br"}, 415),
        (b"{}", {"content-encoding": "gzip"}, 400),
        (gzip.compress(b"{}")[:-3], {"content-encoding": "gzip"}, 400),
        (gzip.compress(bytes(300_000)), {"content-encoding": "gzip"}, 413),
        (bytes(200_001), {}, 413),
    ],
    ids=range(14),
)
async def test_a_body_that_cannot_be_read_is_refused(content, headers, status) -> None:
    async with asked(max_body_bytes=200_000) as (client, script):
        answer = await client.post(INFER, content=content, headers=headers)
        assert answer.status_code == status
        assert answer.json()["error"]
        assert not script.inferences


async def test_long_json_is_refused_where_it_would_take_too_much_memory() -> None:
    async with asked(max_decode_bytes=32_000) as (client, _):
        answer = await client.post(INFER, json={"inputs": [tensor()], "id": "x" * 1000})
        assert answer.status_code == 413
        assert "binary" in answer.json()["remedy"]


@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
async def test_a_body_may_be_compressed(coding: str, pack) -> None:
    async with asked() as (client, script):
        body, headers = framed(ROW.tobytes(), inputs=[binary(ROW.tobytes())])
        headers["Content-Encoding"] = coding
        answer = await client.post(INFER, content=pack(body), headers=headers)
        assert answer.json()["outputs"][0]["data"] == [1, 2, 3]
        assert script.inferences[0].raw_input_contents[0] == ROW.tobytes()


async def test_what_unpacks_to_too_much_is_not_unpacked_to_the_end() -> None:
    bomb = zlib.compress(bytes(50_000_000))
    tracemalloc.start()
    with pytest.raises(BodyTooLarge):
        decompress(bomb, 1_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000


async def test_what_is_large_is_taken_apart_beside_the_loop() -> None:
    async with asked(Speaking(most_columns=40_000)) as (client, _):
        row = np.arange(40_000, dtype=np.float32)[None]
        answer = await client.post(INFER, json={"inputs": [tensor(row)]})
        assert answer.json()["outputs"][0]["data"] == row[0].tolist()


async def test_a_model_is_asked_once_what_it_takes() -> None:
    async with asked() as (client, script):
        for _ in range(3):
            assert (await client.post(INFER, json={"inputs": [tensor()]})).status_code == 200
        assert len(script.described) == 1


async def test_a_model_loaded_anew_is_asked_anew_before_anything_is_refused() -> None:
    async with asked() as (client, script):
        await client.post(INFER, json={"inputs": [tensor()]})
        script.most_columns = 2
        answer = await client.post(INFER, json={"inputs": [tensor(ROW[:, :2])]})
        assert answer.status_code == 200


async def test_what_triton_refuses_is_the_callers_fault_and_its_words_stay() -> None:
    script = Speaking(
        infer_code=grpc.StatusCode.INVALID_ARGUMENT, text="no, says /srv/models/signs/1"
    )
    async with asked(script) as (client, _):
        answer = await client.post(INFER, json={"inputs": [tensor()]})
        assert answer.status_code == 422
        assert "/srv" not in answer.text


@pytest.mark.parametrize("where", ["parameter", "query", "header"])
async def test_the_time_is_the_callers_to_shorten(where: str) -> None:
    async with asked(Speaking(delay_seconds=5)) as (client, script):
        parameters = {"timeout": 200_000} if where == "parameter" else {}
        answer = await client.post(
            INFER,
            json={"inputs": [tensor()], "parameters": parameters},
            params={"timeout_ms": 200} if where == "query" else {},
            headers={"X-Timeout-Ms": "200"} if where == "header" else {},
        )
        assert answer.status_code == 504
        assert answer.json()["stage"] == "infer"
        assert script.inferences[0].parameters["timeout"].int64_param <= 200_000


async def test_a_caller_who_leaves_ends_the_call_to_triton() -> None:
    script = Speaking(delay_seconds=30)
    async with connected(script) as backend:
        app = create_app(Settings(), backend)
        body = json.dumps({"inputs": [tensor()]}).encode()
        messages = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> dict[str, Any]:
            if messages:
                return messages.pop()
            await script.inferring.wait()
            return {"type": "http.disconnect"}

        async def send(_: Any) -> None: ...

        scope = {
            "type": "http", "method": "POST", "path": INFER, "raw_path": INFER.encode(),
            "query_string": b"", "headers": [], "http_version": "1.1", "scheme": "http",
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "root_path": "",
        }  # fmt: skip
        async with app.router.lifespan_context(app), asyncio.timeout(10):
            await app(scope, receive, send)
            await script.cancelled.wait()


async def test_admission_holds() -> None:
    async with asked(Speaking(delay_seconds=1), max_in_flight=1) as (client, script):
        first = asyncio.create_task(client.post(INFER, json={"inputs": [tensor()]}))
        await script.inferring.wait()
        assert 'fovea_in_flight{model="signs"} 1.0' in (await client.get("/metrics")).text
        second = await client.post(INFER, json={"inputs": [tensor()]})
        assert second.status_code == 503
        assert second.json()["type"] == "urn:fovea:problem:overloaded"
        assert int(second.headers["retry-after"]) >= 1
        assert (await first).status_code == 200


async def test_keys_hold(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"phone:predict:{hashlib.sha256(b'secret').hexdigest()}\n")
    keys.chmod(0o600)
    async with asked(api_keys_file=keys) as (client, script):
        paths = ["/v2", "/v2/models/signs", "/v2/models/signs/config", "/v2/models/signs/ready"]
        for path in (*paths, "/v2/models/stats"):
            assert (await client.get(path)).status_code == 401
        assert (await client.post("/v2/repository/index")).status_code == 401
        refused = await client.post(INFER, json={"inputs": [tensor()]})
        assert refused.status_code == 401
        assert refused.json()["error"]
        assert (await client.get("/v2/health/live")).status_code == 200
        client.headers["X-API-Key"] = "secret"
        for path in paths:
            assert (await client.get(path)).status_code == 200
        assert (await client.post(INFER, json={"inputs": [tensor()]})).status_code == 200
        assert len(script.inferences) == 1


async def test_requests_are_counted_as_predictions() -> None:
    async with asked() as (client, _):
        await client.post(INFER, json={"inputs": [tensor()]})
        page = (await client.get("/metrics")).text
        assert 'fovea_request_seconds_count{model="signs",outcome="ok",version="1"} 1.0' in page
        for stage in ("read", "queue", "infer"):
            assert f'outcome="ok",stage="{stage}",version="1"' in page


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", INFER, 405),
        ("POST", "/v2/health/live", 405),
        ("GET", "/v2/nothing", 404),
        ("POST", "/v2/repository/models/signs/load", 404),
        ("GET", "/v2/systemsharedmemory/status", 404),
        ("GET", "/v2/models/never", 503),
        ("GET", "/v2/models/nobody", 404),
        ("GET", "/v2/models/signs/versions/9/ready", 404),
        ("GET", "/v2/models/signs/versions/x/ready", 404),
        ("POST", INFER + "?colour=red", 400),
        ("POST", INFER + "?timeout_ms=0", 422),
    ],
)
async def test_every_refusal_has_the_protocols_member(method, path, status) -> None:
    async with asked() as (client, _):
        answer = await client.request(method, path)
        assert answer.status_code == status
        assert answer.json()["error"]
        assert answer.headers["content-type"] == "application/problem+json"


async def test_the_index_may_be_of_what_is_ready_alone() -> None:
    async with asked() as (client, _):
        every = (await client.post("/v2/repository/index")).json()
        assert every == [
            {"name": "signs", "version": "1", "state": "READY"},
            {"name": "signs", "version": "2", "state": "LOADING"},
            {"name": "never"},
        ]
        ready = await client.post("/v2/repository/index", json={"ready": True})
        assert ready.json() == every[:1]
        assert (await client.post("/v2/repository/index", content=b"[1]")).status_code == 400
