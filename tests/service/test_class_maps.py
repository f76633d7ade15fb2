"""Class maps: shipped to those who ask, and paired with the classes they belong to."""

import numpy as np
import pytest

from tests.fakes import MAPS, RECIPE, FakeBackend, FakeModel, recipe
from tests.service.client import gateway, predict

pytestmark = pytest.mark.anyio
RECIPE_WITH_MAPS = recipe(outputs=(*RECIPE.outputs, MAPS))
COUNTED = np.arange(12, dtype=np.float32).reshape(1, 3, 2, 2)


def backend(maps: np.ndarray = COUNTED) -> FakeBackend:
    scores = (0.1, 0.2, 0.0, 0.2, 0.4, 0.1)
    return FakeBackend({"signs": FakeModel(RECIPE_WITH_MAPS, scores=scores, maps=maps)})


async def test_nobody_pays_for_maps_that_were_not_asked_for() -> None:
    triton = backend()
    async with gateway(triton) as client:
        answer = (await predict(client)).json()
    assert "class_maps" not in answer
    assert triton.asked == [["OUTPUT__0"]]


async def test_each_map_belongs_to_one_of_the_best_classes() -> None:
    triton = backend()
    async with gateway(triton) as client:
        answer = (await predict(client, class_map=True)).json()
    assert triton.asked == [["OUTPUT__0", "OUTPUT__1"]]
    assert [one["class_id"] for one in answer["class_maps"]] == [4, 1, 3]  # of equals, lower id
    assert [one["label"] for one in answer["class_maps"]] == [
        "no_parking",
        "straight",
        "no_driving",
    ]
    assert [one["map"] for one in answer["class_maps"]] == COUNTED[0].tolist()


async def test_top_k_limits_the_maps_too() -> None:
    async with gateway(backend()) as client:
        answer = (await predict(client, class_map=True, top_k=1)).json()
    assert len(answer["class_maps"]) == len(answer["predictions"]) == 1


async def test_a_model_without_maps_cannot_be_asked_for_them() -> None:
    triton = FakeBackend()
    async with gateway(triton) as client:
        response = await predict(client, class_map=True)
    assert (response.status_code, response.json()["field"]) == (422, "class_map")
    assert triton.asked == []


@pytest.mark.parametrize("maps", [COUNTED[:, :2], COUNTED * np.nan, COUNTED.astype(np.int64)])
async def test_maps_that_the_recipe_does_not_promise_are_refused(maps: np.ndarray) -> None:
    async with gateway(backend(maps)) as client:
        response = await predict(client, class_map=True)
    assert response.status_code == 502
    assert response.json()["type"] == "urn:fovea:problem:unexpected-output"
