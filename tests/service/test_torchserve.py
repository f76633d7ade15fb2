"""TorchServe's API: its callers send what they always did, and get what its handlers answer."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from service.errors import BackendUnavailable
from service.keys import Scope, generate
from tests.fakes import FakeBackend, FakeModel
from tests.images import jpeg
from tests.service import detector
from tests.service.client import gateway, predict

pytestmark = pytest.mark.anyio
BEST = ["no_parking", "left", "straight", "no_driving", "background"]  # of the fake's scores


async def ask(
    client: httpx.AsyncClient, path: str = "signs", method: str = "PUT", **request: Any
) -> httpx.Response:
    """As `curl -T` does, with no type: a small JPEG by default."""
    given = request if {"content", "files"} & request.keys() else request | {"content": jpeg()}
    return await client.request(method, f"/predictions/{path}", **given)


def refusal(response: httpx.Response, status: int, code: str) -> dict:
    document = response.json()
    assert response.status_code == status, response.text
    assert document["type"] == f"urn:fovea:problem:{code}"
    assert document["code"] == document["status"] == status
    assert document["message"] == document["detail"]
    return document


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize(
    "kind",
    [
        None,
        "image/jpeg",
        "application/octet-stream",
        "application/x-www-form-urlencoded",
        "application/json",
        "nonsense",
    ],
)
async def test_bytes_of_any_type_are_an_image(kind: str | None, method: str) -> None:
    headers = {} if kind is None else {"content-type": kind}
    async with gateway() as client:
        response = await ask(client, method=method, headers=headers)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    assert next(iter(response.json())) == "no_parking"


@pytest.mark.parametrize(
    "files",
    [
        {"data": jpeg()},
        {"body": ("a.jpg", jpeg())},
        {"file": jpeg()},
        {"picture": ("a.jpg", jpeg()), "note": (None, "x")},
        {"data": jpeg(), "thumbnail": ("b.jpg", b"not looked at")},
        {"file": jpeg(), "data": b"not looked at"},
    ],
    ids="-".join,
)
async def test_a_form_may_call_its_image_as_torchserve_does(files: dict) -> None:
    async with gateway() as client:
        response = await ask(client, method="POST", files=files)
    assert next(iter(response.json())) == "no_parking"


async def test_a_classifier_answers_its_five_best_labels() -> None:
    scores = (0.1, 0.14, 0.21, 0.12, 0.32, 0.11)
    async with gateway(FakeBackend({"signs": FakeModel(scores=scores)})) as client:
        told = (await ask(client)).json()
        answer = (await predict(client)).json()
    assert list(told) == BEST
    ours = {guess["label"]: guess["score"] for guess in answer["predictions"]}
    assert told == {label: ours[label] for label in BEST}


async def test_a_detector_answers_objects_of_half_a_score_or_more() -> None:
    async with gateway(FakeBackend({"objects": detector.model()})) as client:
        response = await ask(client, "objects", content=jpeg(128, 64))
    assert response.json() == [
        {"no_parking": [8, 8, 48, 48], "score": pytest.approx(0.9)},
        {"straight": [0, 0, 128, 64], "score": 0.5},
    ]


async def test_nothing_found_is_an_empty_list() -> None:
    model = detector.model(detector.arrays([], [], []))
    async with gateway(FakeBackend({"objects": model})) as client:
        assert (await ask(client, "objects")).json() == []


@pytest.mark.parametrize(("asked", "given"), [("2", "2"), ("2.0", "2"), ("10", "10"), (None, "10")])
async def test_a_version_is_a_part_of_the_path(asked: str | None, given: str) -> None:
    async with gateway(FakeBackend({"signs": FakeModel(versions=("2", "10"))})) as client:
        response = await ask(client, f"signs/{asked}" if asked else "signs")
    assert f"version={given}" in response.headers["x-routing"]
    assert "total;dur=" in response.headers["server-timing"]


async def test_a_version_that_there_is_not_is_told_with_those_there_are() -> None:
    async with gateway(FakeBackend({"signs": FakeModel(versions=("2", "10"))})) as client:
        for version in ("3", "1.1", "2.", "x"):
            document = refusal(await ask(client, f"signs/{version}"), 404, "unknown-version")
            assert document["versions"] == ["2", "10"]


async def test_a_wrong_name_costs_no_upload() -> None:
    async def untouched():
        raise AssertionError("the body was read")
        yield b""

    async with gateway() as client:
        response = await ask(client, "nope", content=untouched())
    document = refusal(response, 404, "unknown-model")
    assert document["message"] == "there is no model 'nope'"
    assert document["models"] == ["signs"]


async def test_several_images_are_refused_before_any_is_looked_at() -> None:
    backend = FakeBackend()
    async with gateway(backend) as client:
        files = [("data", jpeg()), ("data", jpeg())]
        response = await ask(client, method="POST", files=files)
    assert refusal(response, 413, "too-many-images")["max_images"] == 1
    assert backend.tensors == []


@pytest.mark.parametrize(
    ("request_", "settings", "status", "code"),
    [
        ({"content": b"no image"}, {}, 422, "unreadable-image"),
        ({"content": b""}, {}, 422, "unreadable-image"),
        ({"files": {"note": (None, "x")}}, {}, 400, "malformed-upload"),
        ({"params": {"topk": 1}}, {}, 400, "unknown-parameter"),
        ({"params": {"top_k": 1}}, {}, 400, "unknown-parameter"),
        ({"params": {"version": "1"}}, {}, 400, "unknown-parameter"),
        ({"params": {"timeout_ms": 0}}, {}, 422, "invalid-parameter"),
        ({"headers": {"x-timeout-ms": "soon"}}, {}, 422, "invalid-parameter"),
        ({"headers": {"host": "evil.example"}}, {}, 421, "unknown-host"),
        ({}, {"max_body_bytes": 10}, 413, "body-too-large"),
    ],
)
async def test_a_failure_has_torchserve_s_members_too(
    request_: dict, settings: dict, status: int, code: str
) -> None:
    async with gateway(**settings) as client:
        refusal(await ask(client, **request_), status, code)
        assert "code" not in (await predict(client, b"no image")).json()


async def test_the_router_s_own_refusals_have_them_too() -> None:
    async with gateway() as client:
        for path, status in (("signs", 405), ("signs/1", 405), ("signs/1/x", 404)):
            response = await ask(client, path, "DELETE")
            document = response.json()
            assert (response.status_code, document["code"]) == (status, status)
            assert document["message"] == document["title"]
            assert response.headers.get("allow") == ("POST, PUT" if status == 405 else None)


@pytest.mark.parametrize(
    "given", [{"params": {"timeout_ms": "50"}}, {"headers": {"x-timeout-ms": "50"}}]
)
async def test_a_caller_may_ask_for_less_time(given: dict) -> None:
    async with gateway(FakeBackend(delay_seconds=30)) as client:
        refusal(await ask(client, **given), 504, "deadline-exceeded")


async def test_no_picture_is_drawn() -> None:
    async with gateway() as client:
        response = await ask(client, headers={"accept": "image/png"})
    assert response.headers["content-type"] == "application/json"
    assert "draw;dur=" not in response.headers["server-timing"]


async def test_predictions_are_admitted_and_counted_as_those_of_predict() -> None:
    async with gateway(FakeBackend(delay_seconds=0.3), max_in_flight=1) as client:
        ours, theirs = await asyncio.gather(predict(client), ask(client))
        counted = (await client.get("/metrics")).text
    assert ours.status_code == 200
    refusal(theirs, 503, "overloaded")
    assert int(theirs.headers["retry-after"]) >= 1
    assert 'model="signs",outcome="overloaded"' in counted


async def test_keys_and_rates_hold_here_too(tmp_path: Path) -> None:
    key, line = generate("phone", [Scope.PREDICT])
    file = tmp_path / "keys"
    file.write_text(f"{line}\n")
    file.chmod(0o600)
    bearer = {"authorization": f"Bearer {key}"}
    async with gateway(api_keys_file=file, rate_per_second=0.1, rate_burst=1) as client:
        refusal(await ask(client), 401, "unauthenticated")
        assert (await ask(client, headers=bearer)).status_code == 200
        refusal(await ask(client, headers=bearer), 429, "rate-limited")
        assert (await client.get("/ping")).status_code == 200


async def test_ping_says_what_readyz_says() -> None:
    backend = FakeBackend()
    async with gateway(backend) as client:
        healthy = await client.get("/ping")
        backend.away = BackendUnavailable("away")
        unhealthy, unready = await client.get("/ping"), await client.get("/readyz")
        counted = (await client.get("/metrics")).text
    assert (healthy.status_code, healthy.json()) == (200, {"status": "Healthy"})
    assert (unhealthy.status_code, unhealthy.json()) == (503, {"status": "Unhealthy"})
    assert unready.status_code == 503
    assert unhealthy.headers["retry-after"] == unready.headers["retry-after"]
    assert 'fovea_problems_total{problem="not-ready"} 2.0' in counted


async def test_the_image_is_the_one_that_predict_would_see() -> None:
    backend = FakeBackend()
    async with gateway(backend) as client:
        await predict(client)
        await ask(client)
        await ask(client, method="POST", files={"data": jpeg()})
    first, second, third = backend.tensors
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first, third)
