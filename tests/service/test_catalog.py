"""The catalogue follows Triton, and outlives it."""

import asyncio

import pytest

from contract.recipe import Task
from service.catalog import Catalog
from service.errors import BackendUnavailable, ModelNotReady
from tests.fakes import FakeBackend, FakeModel

pytestmark = pytest.mark.anyio


def catalog(backend: FakeBackend) -> Catalog:
    return Catalog(backend, {Task.CLASSIFICATION})


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
