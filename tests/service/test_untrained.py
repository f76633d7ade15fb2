"""An answer that means nothing says so, wherever it is read."""

import io

import numpy as np
import PIL.Image
import pytest

from tests.fakes import FakeBackend, FakeModel, recipe
from tests.images import jpeg
from tests.service.client import gateway, predict
from tests.service.detector import THREE
from tests.service.detector import recipe as detector

pytestmark = pytest.mark.anyio


def backend(untrained: bool) -> FakeBackend:
    objects = detector(untrained=untrained)
    return FakeBackend(
        {
            "signs": FakeModel(recipe(untrained=untrained)),
            "objects": FakeModel(objects, arrays=THREE),
        }
    )


@pytest.mark.parametrize("name", ["signs", "objects"])
async def test_every_answer_and_the_list_say_so(name: str) -> None:
    async with gateway(backend(untrained=True)) as client:
        answer = (await predict(client, model=name)).json()
        listed = (await client.get(f"/models/{name}")).json()
    assert answer["untrained"] is True
    assert (listed["untrained"], listed["card"]) == (True, None)


@pytest.mark.parametrize("name", ["signs", "objects"])
async def test_the_picture_says_so_at_its_foot(name: str) -> None:
    pixels = []
    for untrained in (True, False):
        async with gateway(backend(untrained)) as client:
            response = await predict(client, jpeg(320, 240), model=name, render=True)
        pixels.append(np.asarray(PIL.Image.open(io.BytesIO(response.content))).astype(int))
    rows = np.abs(pixels[0] - pixels[1]).max(axis=(1, 2)).nonzero()[0]
    assert rows.min() > 200
    assert (pixels[0][rows.min() :] == 0).all(axis=2).mean() > 0.5  # the bar, letters apart
    assert (pixels[0][rows.min() :] == 255).all(axis=2).any()


async def test_a_trained_models_answer_says_nothing_of_it() -> None:
    async with gateway(backend(untrained=False)) as client:
        assert "untrained" not in (await predict(client, model="signs")).json()
        assert (await client.get("/models/signs")).json()["untrained"] is False


async def test_of_a_model_without_recipe_nobody_knows() -> None:
    async with gateway(FakeBackend({"odd": FakeModel(recipe=None)})) as client:
        assert (await client.get("/models/odd")).json()["untrained"] is None
