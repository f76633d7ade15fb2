"""POST /predict from the outside: the answer, its headers, and what leads to each refusal."""

import asyncio
import json
import time
from collections.abc import AsyncIterator

import httpx
import numpy as np
import pytest

from contract.recipe import PARAMETER
from service import errors
from service.settings import Settings
from service.trace import Stage
from tests.fakes import LABELS, FakeBackend, FakeModel
from tests.images import claims_to_be_huge, encode, jpeg, quarters
from tests.service.client import JPEG, gateway, predict

pytestmark = pytest.mark.anyio
CUT_FORM = b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\ncut'


def problem(response: httpx.Response, status: int, code: str) -> dict:
    """The problem document, after checking what every one of them must have."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert document["type"] == (f"urn:fovea:problem:{code}" if code else "about:blank")
    assert document["status"] == status
    assert document["title"]
    assert document["request_id"] == response.headers["x-request-id"]
    return document


async def test_a_photograph_is_answered() -> None:
    async with gateway() as client:
        response = await predict(client, jpeg(640, 480), model="signs")
    answer = response.json()
    assert list(answer) == [
        "model", "version", "task", "predictions", "image", "timings_ms", "request_id",
    ]  # fmt: skip
    assert answer["model"] == "signs"
    assert answer["version"] == "1"
    assert answer["task"] == "classification"
    assert answer["image"] == {"width": 640, "height": 480}
    best = answer["predictions"][0]
    assert (best["label"], best["class_id"]) == ("no_parking", 4)
    assert best["score"] == pytest.approx(0.4)
    assert {guess["label"] for guess in answer["predictions"]} == set(LABELS)


async def test_equal_scores_keep_the_order_of_the_classes() -> None:
    backend = FakeBackend({"signs": FakeModel(scores=(0.1, 0.2, 0.2, 0.2, 0.2, 0.1))})
    async with gateway(backend) as client:
        answer = (await predict(client)).json()
    assert [guess["class_id"] for guess in answer["predictions"]] == [1, 2, 3, 4, 0, 5]


@pytest.mark.parametrize(("top_k", "count"), [(1, 1), (3, 3), (6, 6), (1000, 6)])
async def test_top_k_limits_the_classes(top_k: int, count: int) -> None:
    async with gateway() as client:
        answer = (await predict(client, top_k=top_k)).json()
    assert len(answer["predictions"]) == count
    assert answer["predictions"][0]["class_id"] == 4


async def test_the_stages_add_up_and_agree_with_server_timing() -> None:
    async with gateway() as client:
        response = await predict(client, jpeg(640, 480))
    spent = response.json()["timings_ms"]
    assert list(spent) == [
        "read", "queue", "decode", "preprocess", "infer", "postprocess", "total",
    ]  # fmt: skip
    total = spent.pop("total")
    assert sum(spent.values()) <= total
    assert all(value >= 0 for value in spent.values())
    assert f"total;dur={total}" in response.headers["server-timing"]


async def test_a_form_with_one_file_is_the_same_as_its_bytes() -> None:
    backend = FakeBackend()
    async with gateway(backend) as client:
        await predict(client)
        form = await client.post(
            "/predict", files={"file": ("a.jpg", jpeg())}, data={"note": "ignored"}
        )
    assert form.status_code == 200
    np.testing.assert_array_equal(*backend.tensors)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "multipart/form-data; boundary=x"),
        (b"--x--\r\n", "multipart/form-data; boundary=x"),
        (b"nonsense", "multipart/form-data; boundary=x"),
        (b"--x\r\n", "multipart/form-data"),
        (b"--x\r\n", "multipart/form-data; boundary=" + "x" * 1000),
        (CUT_FORM, "multipart/form-data; boundary=x"),
    ],
)
async def test_a_form_without_a_complete_file_is_refused(body: bytes, content_type: str) -> None:
    async with gateway() as client:
        headers = {"content-type": content_type}
        response = await client.post("/predict", content=body, headers=headers)
    problem(response, 400, "malformed-upload")


async def test_a_form_of_countless_parts_is_refused_at_once() -> None:
    async with gateway() as client:
        headers = {"content-type": "multipart/form-data; boundary=x"}
        body = b"--x\r\n\r\n\r\n" * 1_000_000
        start = time.perf_counter()
        response = await client.post("/predict", content=body, headers=headers)
    assert time.perf_counter() - start < 0.5
    assert "more than 64 parts" in problem(response, 400, "malformed-upload")["detail"]


async def test_a_version_can_be_chosen() -> None:
    backend = FakeBackend({"signs": FakeModel(versions=("2", "10"))})
    async with gateway(backend) as client:
        assert (await predict(client)).json()["version"] == "10"
        assert (await predict(client, model="signs", version="2")).json()["version"] == "2"
        document = problem(await predict(client, version="3"), 404, "unknown-version")
    assert document["versions"] == ["2", "10"]


async def test_an_unknown_model_is_answered_with_those_there_are() -> None:
    async with gateway() as client:
        document = problem(await predict(client, model="nope"), 404, "unknown-model")
    assert document["models"] == ["signs"]
    assert document["field"] == "model"
    assert document["remedy"]


async def test_several_models_need_a_name() -> None:
    backend = FakeBackend({"a": FakeModel(), "b": FakeModel()})
    async with gateway(backend) as client:
        document = problem(await predict(client), 400, "model-not-named")
        assert (await predict(client, model="b")).json()["model"] == "b"
    assert document["models"] == ["a", "b"]


@pytest.mark.parametrize(
    ("model", "status", "code"),
    [
        (FakeModel(recipe=None), 409, "model-not-servable"),
        (FakeModel(text="{"), 409, "model-not-servable"),
        (FakeModel(versions=()), 503, "model-not-ready"),
    ],
)
async def test_a_model_that_cannot_be_asked_says_why(
    model: FakeModel, status: int, code: str
) -> None:
    async with gateway(FakeBackend({"odd": model})) as client:
        problem(await predict(client, model="odd"), status, code)
        listed = (await client.get("/models")).json()["models"]
    assert not listed[0]["servable"]
    assert listed[0]["reason"]


@pytest.mark.parametrize(
    ("query", "status", "code", "field"),
    [
        ({"modle": "signs"}, 400, "unknown-parameter", "modle"),
        ({"top_k": "0"}, 422, "invalid-parameter", "top_k"),
        ({"top_k": "many"}, 422, "invalid-parameter", "top_k"),
        ({"version": "latest"}, 422, "invalid-parameter", "version"),
        ({"model": "x" * 1000}, 422, "invalid-parameter", "model"),
    ],
)
async def test_a_wrong_parameter_is_named(query: dict, status: int, code: str, field: str) -> None:
    async with gateway() as client:
        document = problem(await predict(client, **query), status, code)
    assert document["field"] == field


@pytest.mark.parametrize(
    "content_type", ["", "application/x-www-form-urlencoded", "application/jsonl", "imagejpeg"]
)
async def test_what_claims_to_be_no_image_is_refused_unread(content_type: str) -> None:
    async def untouched() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    async with gateway() as client:
        headers = {"content-type": content_type}
        response = await client.post("/predict", content=untouched(), headers=headers)
    problem(response, 415, "unsupported-media-type")


async def test_an_announced_oversize_is_refused_unread() -> None:
    async def untouched() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    async with gateway(max_body_bytes=1000) as client:
        headers = JPEG | {"content-length": "1001"}
        response = await client.post("/predict", content=untouched(), headers=headers)
    assert problem(response, 413, "body-too-large")["max_body_bytes"] == 1000


async def test_an_unannounced_oversize_is_refused_while_it_streams() -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield bytes(100)

    async with gateway(max_body_bytes=1000) as client:
        response = await client.post("/predict", content=endless(), headers=JPEG)
    problem(response, 413, "body-too-large")
    assert sent == 11


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"not an image", jpeg()[:-200]])
async def test_what_is_no_image_is_refused(data: bytes) -> None:
    async with gateway() as client:
        problem(await predict(client, data), 422, "unreadable-image")


async def test_a_small_file_that_claims_to_be_huge_is_refused() -> None:
    async with gateway() as client:
        document = problem(await predict(client, claims_to_be_huge()), 413, "image-too-large")
    assert "60000x60000" in document["detail"]
    assert document["max_pixels"] == Settings().max_pixels


async def test_of_an_animation_the_frames_are_told() -> None:
    frames = [quarters(), quarters().rotate(180)]
    data = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    async with gateway() as client:
        answer = (await predict(client, data)).json()
    assert answer["image"] == {"width": 64, "height": 48, "frames": 2}


async def test_the_image_size_is_that_of_the_upright_image() -> None:
    async with gateway() as client:
        answer = (await predict(client, jpeg(40, 30, orientation=6))).json()
    assert answer["image"] == {"width": 30, "height": 40}


async def test_an_alpha_channel_does_no_harm() -> None:
    async with gateway() as client:
        response = await predict(client, encode(quarters().convert("RGBA")))
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("failure", "status", "code", "outcome"),
    [
        (errors.BackendUnavailable("x"), 503, "backend-unavailable", "unavailable"),
        (errors.ModelNotReady("x"), 503, "model-not-ready", "unavailable"),
        (errors.QueueFull("x"), 503, "queue-full", "overloaded"),
        (errors.InferenceFailed("x"), 502, "inference-failed", "error"),
        (errors.DeadlineExceeded(Stage.INFER), 504, "deadline-exceeded", "deadline"),
        (RuntimeError("secret /etc/passwd"), 500, "internal-error", "error"),
    ],
)
async def test_a_failure_of_the_backend_is_told_and_counted(
    failure: Exception, status: int, code: str, outcome: str
) -> None:
    async with gateway(FakeBackend(failure=failure)) as client:
        response = await predict(client)
        counted = (await client.get("/metrics")).text
    document = problem(response, status, code)
    assert ("retry-after" in response.headers) == (status == 503)
    assert "secret" not in json.dumps(document)
    count = f'fovea_request_seconds_count{{model="signs",outcome="{outcome}",version=""}} 1.0'
    assert count in counted


@pytest.mark.parametrize(
    "output",
    [
        np.zeros((1, 5), np.float32),
        np.zeros(6, np.float32),
        np.zeros((2, 6), np.float32),
        np.full((1, 6), np.nan, np.float32),
        np.zeros((1, 6), np.int64),
        np.array([list("abcdef")], object),
    ],
)
async def test_an_output_that_does_not_fit_the_recipe_is_a_502(output: np.ndarray) -> None:
    async with gateway(FakeBackend(output=output)) as client:
        problem(await predict(client), 502, "unexpected-output")


async def test_a_slow_model_ends_with_the_deadline() -> None:
    backend = FakeBackend(delay_seconds=30)
    async with gateway(backend, timeout_seconds=0.1) as client:
        document = problem(await predict(client), 504, "deadline-exceeded")
    assert document["stage"] == document["longest_stage"] == "infer"
    assert {"read", "decode", "preprocess", "infer"} <= set(document["stages_ms"])
    assert document["stages_ms"]["infer"] >= 50
    assert "the longest was 'infer'" in document["detail"]
    assert backend.running == 0  # it was cancelled, not left behind


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ({"timeout_ms": "100"}, {}),
        ({}, {"x-timeout-ms": "100"}),
        ({"timeout_ms": "100"}, {"X-Timeout-Ms": "60000"}),
    ],
)
async def test_a_caller_may_ask_for_less_time(query: dict, headers: dict) -> None:
    async with gateway(FakeBackend(delay_seconds=30)) as client:
        start = time.perf_counter()
        response = await client.post(
            "/predict", params=query, content=jpeg(), headers=JPEG | headers
        )
    problem(response, 504, "deadline-exceeded")
    assert time.perf_counter() - start < 5


async def test_a_caller_gets_no_more_time_than_the_gateway_gives() -> None:
    async with gateway(FakeBackend(delay_seconds=30), timeout_seconds=0.1) as client:
        problem(await predict(client, timeout_ms=3_600_000), 504, "deadline-exceeded")


@pytest.mark.parametrize("sent", ["0", "-5", "1.5", "soon", "3600001", ""])
async def test_a_wrong_timeout_is_named(sent: str) -> None:
    async with gateway() as client:
        asked = await predict(client, timeout_ms=sent)
        headers = JPEG | {"x-timeout-ms": sent}
        told = await client.post("/predict", content=jpeg(), headers=headers)
    assert problem(asked, 422, "invalid-parameter")["field"] == "timeout_ms"
    assert problem(told, 422, "invalid-parameter")["field"] == "x-timeout-ms"


async def test_a_slow_body_ends_with_the_deadline() -> None:
    async def trickle() -> AsyncIterator[bytes]:
        yield b"a"
        await asyncio.sleep(30)

    async with gateway(timeout_seconds=0.1) as client:
        response = await client.post("/predict", content=trickle(), headers=JPEG)
    problem(response, 408, "body-timeout")


async def test_beyond_the_limit_requests_are_refused_at_once() -> None:
    backend = FakeBackend(delay_seconds=0.3)
    async with gateway(backend, max_in_flight=2) as client:
        await predict(client)  # the first one is alone: how long it takes is not known yet
        responses = await asyncio.gather(*(predict(client) for _ in range(5)))
        again = await predict(client)
    assert sorted(r.status_code for r in responses) == [200, 200, 503, 503, 503]
    refused = next(r for r in responses if r.status_code == 503)
    problem(refused, 503, "overloaded")
    assert int(refused.headers["retry-after"]) >= 1
    assert again.status_code == 200


@pytest.mark.parametrize("sent", ["abc-1.2_3:4", "A" * 128])
async def test_a_request_id_is_taken_over(sent: str) -> None:
    async with gateway() as client:
        response = await client.post(
            "/predict", content=jpeg(), headers=JPEG | {"x-request-id": sent}
        )
    assert response.headers["x-request-id"] == sent
    assert response.json()["request_id"] == sent


@pytest.mark.parametrize("sent", ["", "a b", "A" * 129, "x\ty", 'x"y'])
async def test_a_request_id_that_could_do_harm_is_replaced(sent: str) -> None:
    async with gateway() as client:
        response = await client.get("/healthz", headers={"x-request-id": sent})
    assert response.headers["x-request-id"] not in ("", sent)


async def test_nothing_is_known_before_triton_answers() -> None:
    backend = FakeBackend(away=errors.BackendUnavailable("gone"))
    async with gateway(backend) as client:
        problem(await predict(client, model="signs"), 503, "backend-unavailable")


async def test_a_wrong_recipe_is_quoted_in_the_list() -> None:
    backend = FakeBackend({"odd": FakeModel(text='{"task":"telepathy"}')})
    async with gateway(backend) as client:
        listed = (await client.get("/models")).json()["models"][0]
    assert "its recipe is wrong" in listed["reason"]
    assert PARAMETER not in listed["reason"]
