"""Several images in one request: each has an answer of its own, or a problem of its own."""

import base64

import numpy as np
import pytest

from service.errors import BackendUnavailable
from service.predictor import INLINE_BYTES
from tests.fakes import FakeBackend
from tests.images import claims_to_be_huge, jpeg
from tests.service.client import gateway

pytestmark = pytest.mark.anyio
GOOD, SMALL = jpeg(), jpeg(20, 10)


def files(*contents: bytes) -> list:
    return [("file", (f"{i}.jpg", content)) for i, content in enumerate(contents)]


def encoded(*contents: bytes) -> dict:
    return {"images": [base64.b64encode(content).decode() for content in contents]}


async def test_files_of_a_form_are_answered_in_their_order() -> None:
    backend = FakeBackend()
    async with gateway(backend) as client:
        response = await client.post("/predict", files=files(GOOD, SMALL))
    document = response.json()
    assert response.status_code == 200
    assert list(document) == ["results", "timings_ms", "request_id"]
    for index, (item, width) in enumerate(zip(document["results"], (64, 20), strict=True)):
        assert list(item) == ["index", "file", "status", "answer"]
        assert (item["index"], item["file"], item["status"]) == (index, f"{index}.jpg", 200)
        assert item["answer"]["image"]["width"] == width
        assert item["answer"]["request_id"] == document["request_id"]
        assert "infer" in item["answer"]["timings_ms"]
    assert set(document["timings_ms"]) == {"read", "total"}
    assert len(backend.tensors) == 2  # each by itself: Triton batches


async def test_json_gives_what_a_form_gives() -> None:
    backend = FakeBackend()
    async with gateway(backend) as client:
        await client.post("/predict", json=encoded(GOOD, SMALL))
        alone = await client.post("/predict", json={"image": encoded(GOOD)["images"][0]})
        raw = await client.post("/predict", content=GOOD, headers={"content-type": "image/jpeg"})
    np.testing.assert_array_equal(backend.tensors[2], backend.tensors[3])
    assert alone.json().keys() == raw.json().keys()


async def test_a_list_of_one_is_answered_with_a_list_of_one() -> None:
    async with gateway() as client:
        document = (await client.post("/predict", json=encoded(GOOD))).json()
    assert [item["status"] for item in document["results"]] == [200]
    assert "file" not in document["results"][0]


async def test_a_bad_image_is_an_error_in_its_own_place() -> None:
    body = encoded(GOOD, b"no image", claims_to_be_huge(), GOOD)
    body["images"][3] = "?"
    async with gateway() as client:
        response = await client.post("/predict", json=body)
    results = response.json()["results"]
    assert response.status_code == 200
    assert [item["status"] for item in results] == [200, 422, 413, 400]
    problems = [item["problem"] for item in results[1:]]
    assert [problem["type"].rpartition(":")[2] for problem in problems] == [
        "unreadable-image", "image-too-large", "malformed-upload",
    ]  # fmt: skip
    assert problems[2]["field"] == "images[3]"
    assert all(problem["instance"] == "/predict" and problem["remedy"] for problem in problems)
    assert [problem["status"] for problem in problems] == [422, 413, 400]


async def test_an_image_that_is_not_done_in_time_says_so() -> None:
    backend = FakeBackend(delay_seconds=30)
    async with gateway(backend) as client:
        response = await client.post("/predict?timeout_ms=200", json=encoded(GOOD, SMALL))
    results = response.json()["results"]
    first, second = results
    assert (first["status"], first["problem"]["stage"]) == (504, "infer")
    assert second["status"] in (503, 504)  # 503 where the model never took it
    assert backend.running == 0


async def test_no_more_than_some_are_under_way_at_once() -> None:
    backend = FakeBackend(delay_seconds=0.05)
    most = 0

    async def infer(*arguments: object, **options: object) -> object:
        nonlocal most
        most = max(most, backend.running + 1)
        return await FakeBackend.infer(backend, *arguments, **options)

    backend.infer = infer  # type: ignore[method-assign]
    async with gateway(backend, max_images=64) as client:
        response = await client.post("/predict", json=encoded(*[SMALL] * 40))
    assert {item["status"] for item in response.json()["results"]} == {200}
    assert 1 < most <= 16


async def test_a_failing_server_fails_each_image_and_is_counted() -> None:
    backend = FakeBackend(failure=BackendUnavailable("gone"))
    async with gateway(backend) as client:
        response = await client.post("/predict", json=encoded(GOOD, SMALL))
        counted = (await client.get("/metrics")).text
    assert [item["status"] for item in response.json()["results"]] == [503, 503]
    assert 'outcome="unavailable"' in counted


@pytest.mark.parametrize(
    ("query", "headers"), [({"render": True}, {}), ({}, {"accept": "image/png"})]
)
async def test_a_batch_has_no_picture(query: dict, headers: dict) -> None:
    async with gateway() as client:
        response = await client.post("/predict", params=query, headers=headers, json=encoded(GOOD))
    document = response.json()
    assert (response.status_code, document["field"]) == (422, "render")
    assert "one by one" in document["remedy"]


async def test_too_many_images_are_refused() -> None:
    async with gateway(max_images=2) as client:
        for options in ({"json": encoded(*[SMALL] * 3)}, {"files": files(*[SMALL] * 3)}):
            response = await client.post("/predict", **options)
            assert (response.status_code, response.json()["max_images"]) == (413, 2)


async def test_a_large_body_is_taken_apart_on_the_pool() -> None:
    data = bytes(INLINE_BYTES) + GOOD
    async with gateway() as client:
        form = await client.post("/predict", files=files(GOOD, data))
        text = await client.post("/predict", json=encoded(GOOD, data))
    for response in (form, text):
        assert [item["status"] for item in response.json()["results"]] == [200, 422]
