"""POST /predict of a detector: the answer, its limits, its picture, and refusals."""

import io

import httpx
import numpy as np
import PIL.Image
import pytest
from pycocotools import mask as coco

from tests.fakes import MAPS, RECIPE, FakeBackend, FakeModel
from tests.fakes import recipe as classifier
from tests.images import encode, jpeg, quarters
from tests.service.client import JPEG, gateway, predict
from tests.service.detector import SLOTS, arrays, model

pytestmark = pytest.mark.anyio
WIDE = jpeg(128, 64)
DISC = np.float32(np.hypot(*(np.mgrid[:28, :28] - 13.5)) < 10)


def backend(**changes) -> FakeBackend:
    return FakeBackend({"objects": model(**changes)})


def refusal(response: httpx.Response, field: str) -> dict:
    assert response.status_code == 422, response.text
    document = response.json()
    assert document["type"] == "urn:fovea:problem:invalid-parameter"
    assert document["field"] == field
    return document


def picture(response: httpx.Response) -> PIL.Image.Image:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "image/png"
    return PIL.Image.open(io.BytesIO(response.content))


async def test_a_photograph_is_answered_with_its_objects() -> None:
    triton = backend()
    async with gateway(triton) as client:
        answer = (await predict(client, WIDE, model="objects")).json()
    assert list(answer) == [
        "model", "version", "task", "detections", "image", "timings_ms", "request_id",
    ]  # fmt: skip
    assert answer["task"] == "detection"
    first, second = answer["detections"]
    assert first == {
        "label": "no_parking",
        "class_id": 4,
        "score": pytest.approx(0.9),
        "box": {"x_min": 8, "y_min": 8, "x_max": 48, "y_max": 48},
    }
    assert second["box"] == {"x_min": 0, "y_min": 0, "x_max": 128, "y_max": 64}
    assert triton.asked == [["BOXES", "SCORES", "CLASSES", "COUNT"]]


async def test_nothing_found_is_an_empty_list() -> None:
    async with gateway(backend(answer=arrays([], [], []))) as client:
        answer = (await predict(client)).json()
    assert answer["detections"] == []
    assert "predictions" not in answer


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
async def test_masks_are_coco_run_lengths() -> None:
    found = arrays([[4, 20, 24, 40]], [0.9], [4], DISC)
    async with gateway(backend(answer=found, masks=True)) as client:
        (one,) = (await predict(client, WIDE)).json()["detections"]
    assert one["mask"]["size"] == [64, 128]
    pixels = coco.decode(one["mask"])
    assert pixels[28, 28] == 1
    assert pixels[9, 9] == 0
    assert pixels.sum() == pytest.approx(np.pi * (10 / 28 * 40) ** 2, rel=0.1)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"score_threshold": 0.05}, 2),
        ({"score_threshold": 0.5}, 1),
        ({"score_threshold": 1}, 0),
        ({"max_detections": 1}, 1),
        ({"max_detections": SLOTS}, 2),
    ],
)
async def test_a_request_may_be_stricter_than_the_model(query: dict, count: int) -> None:
    async with gateway(backend()) as client:
        answer = (await predict(client, WIDE, **query)).json()
    assert len(answer["detections"]) == count


@pytest.mark.parametrize(
    ("query", "field", "limit"),
    [
        ({"score_threshold": 0.01}, "score_threshold", {"least": 0.05}),
        ({"max_detections": 6}, "max_detections", {"most": SLOTS}),
    ],
)
async def test_but_not_laxer(query: dict, field: str, limit: dict) -> None:
    triton = backend()
    async with gateway(triton) as client:
        document = refusal(await predict(client, **query), field)
    assert document.items() >= limit.items()
    assert str(*limit.values()) in document["remedy"]
    assert triton.asked == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"score_threshold": "nan"}, "score_threshold"),
        ({"score_threshold": 1.1}, "score_threshold"),
        ({"score_threshold": "high"}, "score_threshold"),
        ({"max_detections": 0}, "max_detections"),
        ({"render": "perhaps"}, "render"),
        ({"top_k": 3}, "top_k"),
        ({"class_map": True}, "class_map"),
    ],
)
async def test_a_parameter_without_sense_here_is_refused(query: dict, field: str) -> None:
    async with gateway(backend()) as client:
        refusal(await predict(client, **query), field)


@pytest.mark.parametrize("query", [{"score_threshold": 0.5}, {"max_detections": 3}])
async def test_a_classifier_refuses_the_limits_of_a_detector(query: dict) -> None:
    async with gateway() as client:
        assert "classification" in refusal(await predict(client, **query), *query)["detail"]


async def test_an_output_that_does_not_fit_the_recipe_is_a_502() -> None:
    found = arrays([[4, 20, 24, 40]], [0.9], [len(RECIPE.labels)])
    async with gateway(backend(answer=found)) as client:
        response = await predict(client)
    assert response.status_code == 502
    assert response.json()["type"] == "urn:fovea:problem:unexpected-output"


async def test_a_detector_without_limits_is_not_servable() -> None:
    text = '{"task":"detection","input":{"name":"x","height":64,"width":64,"fit":"letterbox"},'
    text += '"outputs":[],"labels":["cat"]}'
    async with gateway(FakeBackend({"odd": FakeModel(text=text)})) as client:
        assert (await predict(client, model="odd")).status_code == 409


async def test_the_models_list_tells_the_limits() -> None:
    async with gateway(backend()) as client:
        (listed,) = (await client.get("/models")).json()["models"]
    assert listed["detection"] == {
        "score_threshold": 0.05, "nms_threshold": 0.5, "max_detections": SLOTS,
    }  # fmt: skip


async def test_detections_are_counted_and_drawing_is_timed() -> None:
    async with gateway(backend()) as client:
        await predict(client, WIDE)
        await predict(client, WIDE, render=True)
        text = (await client.get("/metrics")).text
    assert 'fovea_detections_bucket{le="1.0",model="objects"} 0.0' in text
    assert 'fovea_detections_bucket{le="2.0",model="objects"} 2.0' in text
    drawn = 'fovea_stage_seconds_count{model="objects",outcome="ok",stage="draw",version="1"}'
    assert f"{drawn} 1.0" in text


@pytest.mark.parametrize("asked", [{"accept": "image/png"}, {"render": "true"}])
async def test_the_picture_shows_the_uploaded_image_and_its_boxes(asked: dict) -> None:
    headers = JPEG | {key: value for key, value in asked.items() if key == "accept"}
    query = {key: value for key, value in asked.items() if key == "render"}
    source = quarters(128, 64)
    async with gateway(backend()) as client:
        response = await client.post(
            "/predict", params=query, content=encode(source), headers=headers
        )
    drawn, plain = np.asarray(picture(response)), np.asarray(source)
    assert drawn.shape == plain.shape
    np.testing.assert_array_equal(drawn[30:46, 10:46], plain[30:46, 10:46])  # inside the box
    assert (drawn[30:46, 8] != plain[30:46, 8]).any()  # its edge
    assert "draw;dur=" in response.headers["server-timing"]
    assert response.headers["x-request-id"]


async def test_the_picture_is_upright() -> None:
    async with gateway(backend()) as client:
        response = await predict(client, jpeg(40, 30, orientation=6), render=True)
    assert picture(response).size == (30, 40)


async def test_render_false_overrules_the_header() -> None:
    async with gateway(backend()) as client:
        headers = JPEG | {"accept": "image/png"}
        response = await client.post(
            "/predict", params={"render": "false"}, content=jpeg(), headers=headers
        )
    assert response.headers["content-type"] == "application/json"
    assert "draw" not in response.json()["timings_ms"]


async def test_a_failure_stays_a_problem_where_a_picture_was_asked_for() -> None:
    async with gateway(backend()) as client:
        response = await predict(client, b"no image", render=True)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"


async def test_a_classifiers_picture_names_its_best_classes() -> None:
    async with gateway() as client:
        everything = picture(await predict(client, jpeg(640, 480), render=True))
        best = picture(await predict(client, jpeg(640, 480), render=True, top_k=1))
    different = np.asarray(everything) != np.asarray(best)
    assert different.any(axis=(1, 2)).nonzero()[0].max() < 240  # in the upper left corner


async def test_class_maps_are_not_drawn() -> None:
    with_maps = FakeModel(classifier(outputs=(*RECIPE.outputs, MAPS)))
    async with gateway(FakeBackend({"signs": with_maps})) as client:
        refusal(await predict(client, class_map=True, render=True), "class_map")
