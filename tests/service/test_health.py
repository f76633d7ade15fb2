"""Alive, ready, and why not."""

import asyncio

import pytest

from service.errors import BackendUnavailable, DeadlineExceeded
from service.trace import Stage
from tests.fakes import FakeBackend, FakeModel
from tests.service.client import gateway, predict

pytestmark = pytest.mark.anyio


async def test_ready_while_triton_has_a_model_for_us() -> None:
    async with gateway() as client:
        response = await client.get("/readyz")
    assert (response.status_code, response.json()) == (200, {"status": "ready"})


@pytest.mark.parametrize(
    "away", [BackendUnavailable("the inference server is away"), DeadlineExceeded(Stage.INFER)]
)
async def test_triton_away_is_not_ready_but_alive(away) -> None:
    backend = FakeBackend()
    async with gateway(backend) as client:
        backend.away = away
        ready, alive = await client.get("/readyz"), await client.get("/healthz")
    assert ready.status_code == 503
    assert ready.json()["detail"] == away.detail
    assert int(ready.headers["retry-after"]) >= 1
    assert alive.status_code == 200


async def test_readiness_is_asked_of_triton_and_not_remembered() -> None:
    backend = FakeBackend()
    async with gateway(backend, catalog_refresh_seconds=100) as client:
        assert (await client.get("/readyz")).status_code == 200
        backend.models["signs"].versions = ()
        assert (await client.get("/readyz")).status_code == 503


@pytest.mark.parametrize("models", [{}, {"plain": FakeModel(recipe=None)}])
async def test_without_a_model_for_us_it_is_not_ready(models: dict) -> None:
    async with gateway(FakeBackend(models)) as client:
        response = await client.get("/readyz")
    assert response.status_code == 503
    assert "no model" in response.json()["detail"]


@pytest.mark.parametrize(
    ("required", "missing"), [("signs", []), ("cars,signs", ["cars"]), ("plain", ["plain"])]
)
async def test_the_models_that_are_required_decide(required: str, missing: list[str]) -> None:
    backend = FakeBackend({"signs": FakeModel(), "plain": FakeModel(recipe=None)})
    async with gateway(backend, required_models=required) as client:
        response = await client.get("/readyz")
        assert (await client.get("/healthz")).status_code == 200
    assert response.status_code == (503 if missing else 200)
    assert response.json().get("models", []) == missing


async def test_a_gateway_that_starts_before_triton_catches_up() -> None:
    backend = FakeBackend(away=BackendUnavailable("not there yet"))
    async with gateway(backend, catalog_refresh_seconds=0.01) as client:
        assert (await predict(client)).status_code == 503
        backend.away = None
        for _ in range(100):
            if (await client.get("/readyz")).status_code == 200:
                break
            await asyncio.sleep(0.01)
        assert (await predict(client)).status_code == 200


async def test_the_backend_is_closed_at_the_end() -> None:
    backend = FakeBackend()
    async with gateway(backend):
        assert not backend.closed
    assert backend.closed
