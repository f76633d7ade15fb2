"""The catalogue follows Triton, and outlives it."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from contract.recipe import Layout, Normalisation, Task
from service.catalog import Catalog
from service.errors import BackendUnavailable, ModelNotReady
from tests.fakes import RECIPE, FakeBackend, FakeModel, recipe

pytestmark = pytest.mark.anyio


TOML = """
task = "classification"
labels = ["cat", "dog"]
input = { name = "x", height = 32, width = 32, fit = "stretch" }
outputs = [{ name = "y", role = "logits" }]
"""


def catalog(backend: FakeBackend, recipes: Path | None = None) -> Catalog:
    return Catalog(backend, {Task.CLASSIFICATION}, recipes)


async def test_loading_and_unloading_shows_at_the_next_look() -> None:
    backend = FakeBackend()
    known = catalog(backend)
    await known.refresh()
    backend.models["more"] = FakeModel(versions=("10", "9"))
    del backend.models["signs"]
    await known.refresh()
    assert [model.name for model in known.servable()] == ["more"]
    assert known.models["more"].versions == ("9", "10")


async def test_it_is_kept_while_triton_is_away() -> None:
    backend = FakeBackend()
    known = catalog(backend)
    await known.refresh()
    backend.away = BackendUnavailable("gone")
    await known.try_refresh()
    assert known.learned
    assert [model.name for model in known.servable()] == ["signs"]


async def test_it_keeps_looking_whatever_happens() -> None:
    backend = FakeBackend(models={})
    backend.away = RuntimeError("not foreseen")  # type: ignore[assignment]
    known = catalog(backend)
    task = asyncio.create_task(known.keep_fresh(0.01))
    await asyncio.sleep(0.03)
    assert not known.learned
    backend.away = None
    await asyncio.sleep(0.05)
    assert known.learned
    task.cancel()


async def test_a_model_that_goes_between_two_questions_is_no_obstacle() -> None:
    class Vanishing(FakeBackend):
        async def parameters(self, name: str) -> dict[str, str]:
            if name == "going":
                raise ModelNotReady("gone")
            return dict(await super().parameters(name))

    known = catalog(Vanishing({"going": FakeModel(), "signs": FakeModel()}))
    await known.refresh()
    assert [model.name for model in known.servable()] == ["signs"]
    assert known.models["going"].reason


async def test_a_task_nobody_reads_is_listed_but_not_served() -> None:
    known = Catalog(FakeBackend(), {Task.DETECTION})
    await known.refresh()
    assert not known.servable()
    assert known.models["signs"].reason == "classification is not served here"


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (FakeModel(versions=()), "no version of it is loaded"),
        (FakeModel(recipe=None), "no parameter fovea_recipe"),
        (FakeModel(text="[]"), "its recipe is wrong"),
    ],
)
async def test_the_reason_is_told(model: FakeModel, reason: str) -> None:
    known = catalog(FakeBackend({"odd": model}))
    await known.refresh()
    assert reason in known.models["odd"].reason


async def test_a_model_without_a_recipe_may_be_given_one(tmp_path: Path) -> None:
    known = catalog(FakeBackend({"plain": FakeModel(recipe=None)}), tmp_path)
    await known.refresh()
    assert not known.servable()
    (tmp_path / "plain.toml").write_text(TOML)
    await known.refresh()
    (model,) = known.servable()
    assert model.recipe is not None
    assert model.recipe.labels == ("cat", "dog")


async def test_a_wrong_recipe_is_told_and_the_old_one_stays(tmp_path: Path) -> None:
    file = tmp_path / "plain.toml"
    known = catalog(FakeBackend({"plain": FakeModel(recipe=None)}), tmp_path)
    for text, servable in ((TOML.replace("32", "0"), False), (TOML, True), ("labels = [", True)):
        file.write_text(text)
        await known.refresh()
        assert known.models["plain"].servable is servable
    assert "plain.toml: it is not TOML" in known.models["plain"].warning
    file.unlink()
    await known.refresh()
    assert not known.servable()


async def test_the_recipe_that_a_model_carries_wins(tmp_path: Path) -> None:
    (tmp_path / "signs.toml").write_text(TOML)
    known = catalog(FakeBackend(), tmp_path)
    await known.refresh()
    assert known.models["signs"].recipe == RECIPE
    assert "not used" in known.models["signs"].warning


async def test_each_model_that_can_be_asked_has_a_blank_image_to_be_tried_with() -> None:
    spec = {"name": "x", "height": 32, "width": 48, "fit": RECIPE.input.fit}
    other = type(RECIPE.input)(**spec, layout=Layout.NCHW, normalisation=Normalisation())
    backend = FakeBackend({
        "signs": FakeModel(),
        "other": FakeModel(recipe(input=other)),
        "plain": FakeModel(recipe=None),
    })  # fmt: skip
    known = catalog(backend)
    await known.refresh()
    samples = known.samples()
    blank = {name: next(iter(sample.inputs.values())) for name, sample in samples.items()}
    assert (blank["signs"].shape, blank["signs"].dtype) == ((1, 64, 64, 3), np.uint8)
    assert (blank["other"].shape, blank["other"].dtype) == ((1, 3, 32, 48), np.float32)
    assert set(samples) == {"signs", "other"}
    assert samples["signs"].outputs == ("OUTPUT__0",)
