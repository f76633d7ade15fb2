"""Loading and unloading through the gateway: who may, what it answers, and what it leaves alone."""

import asyncio

import httpx
import pytest

from service import errors
from tests.fakes import FakeBackend, FakeModel, recipe
from tests.service.client import gateway, predict

pytestmark = pytest.mark.anyio
ON = {"model_control": True, "catalog_refresh_seconds": 3600}  # nothing shows by itself


def problem(response: httpx.Response, status: int, code: str) -> dict:
    assert response.status_code == status, response.text
    document = response.json()
    assert document["type"] == f"urn:fovea:problem:{code}"
    return document


def backend(**changes) -> FakeBackend:
    return FakeBackend(repository={"signs": FakeModel(), "fresh": FakeModel()}, **changes)


@pytest.mark.parametrize("what", ["load", "unload"])
async def test_nobody_may_unless_it_is_switched_on(what: str) -> None:
    triton = backend()
    async with gateway(triton) as client:
        document = problem(await client.post(f"/models/signs/{what}"), 403, "model-control-off")
        assert "FOVEA_MODEL_CONTROL" in document["remedy"]
        assert (await predict(client, model="signs")).status_code == 200


async def test_a_loaded_model_can_be_asked_at_once() -> None:
    async with gateway(backend(), **ON) as client:
        problem(await client.get("/models/fresh"), 404, "unknown-model")
        loaded = await client.post("/models/fresh/load")
        assert loaded.status_code == 200
        assert loaded.json() == (await client.get("/models/fresh")).json()
        assert (loaded.json()["servable"], loaded.json()["versions"]) == (True, ["1"])
        assert (await predict(client, model="fresh")).status_code == 200


async def test_what_is_new_of_a_model_is_taken_over_at_once() -> None:
    triton = backend()
    async with gateway(triton, **ON) as client:
        labels = tuple("abcdef")
        triton.repository["signs"] = FakeModel(recipe(labels=labels), versions=("2",))
        assert (await client.post("/models/signs/load")).json()["labels"] == list(labels)
        answer = (await predict(client, model="signs")).json()
    assert (answer["version"], answer["predictions"][0]["label"]) == ("2", "e")


async def test_an_unloaded_model_is_refused_at_once_and_cannot_be_unloaded_twice() -> None:
    async with gateway(backend(), **ON) as client:
        unloaded = (await client.post("/models/signs/unload")).json()
        assert (unloaded["servable"], unloaded["versions"]) == (False, [])
        problem(await predict(client, model="signs"), 503, "model-not-ready")
        problem(await client.post("/models/signs/unload"), 409, "model-not-loaded")
        problem(await client.post("/models/nope/unload"), 404, "unknown-model")
        await client.post("/models/signs/load")
        assert (await predict(client, model="signs")).status_code == 200


async def test_an_unknown_model_is_told_from_one_with_a_broken_configuration() -> None:
    triton = backend()
    async with gateway(triton, **ON) as client:
        document = problem(await client.post("/models/nope/load"), 404, "unknown-model")
        assert (document["models"], document["field"]) == (["signs"], "name")
        del triton.repository["signs"]  # in the index all the same
        document = problem(await client.post("/models/signs/load"), 502, "load-failed")
    assert "config.pbtxt" in document["detail"]


async def test_a_failed_load_leaves_the_old_model_answering() -> None:
    triton = backend(load_failure=errors.LoadFailed("model 'signs': model.pt is no archive"))
    async with gateway(triton, **ON) as client:
        document = problem(await client.post("/models/signs/load"), 502, "load-failed")
        assert "no archive" in document["detail"]
        assert (await predict(client, model="signs")).status_code == 200


@pytest.mark.parametrize(
    "name", [".hidden", "%2E%2E", "..x", "a b", "a%5Cb", "a%00", "a%0A", "x" * 129, "é"]
)
async def test_only_a_harmless_name_goes_to_triton(name: str) -> None:
    async with gateway(backend(), **ON) as client:
        document = problem(await client.post(f"/models/{name}/load"), 422, "invalid-parameter")
    assert document["field"] == "name"


@pytest.mark.parametrize("path", ["a%2Fb", "..%2Fsigns", "%2Fetc%2Fsigns", "..%2F..%2Fx"])
async def test_a_path_is_no_name(path: str) -> None:
    async with gateway(backend(), **ON) as client:
        assert (await client.post(f"/models/{path}/load")).status_code == 404


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [("http://localhost", True), ("https://evil.example", False), ("null", False)],
)
async def test_a_page_of_somebody_else_may_not(origin: str, allowed: bool) -> None:
    async with gateway(backend(), **ON) as client:
        response = await client.post("/models/fresh/load", headers={"origin": origin})
    if allowed:
        assert response.status_code == 200
    else:
        problem(response, 403, "foreign-origin")


async def test_one_model_is_loaded_once_at_a_time_and_others_beside_it() -> None:
    triton = backend(load_seconds=0.05)
    async with gateway(triton, **ON) as client:
        same = await asyncio.gather(*(client.post("/models/fresh/load") for _ in range(4)))
        assert triton.most_loading == 1
        others = await asyncio.gather(
            client.post("/models/fresh/load"), client.post("/models/signs/load")
        )
        assert triton.most_loading == 2
    assert {response.status_code for response in (*same, *others)} == {200}


async def test_a_load_that_takes_too_long_is_given_up_by_those_who_wait_too() -> None:
    async with gateway(backend(load_seconds=30), load_timeout_seconds=0.1, **ON) as client:
        for response in await asyncio.gather(
            *(client.post("/models/fresh/load") for _ in range(3))
        ):
            problem(response, 504, "load-timeout")


async def test_triton_away_is_said() -> None:
    triton = backend()
    async with gateway(triton, **ON) as client:
        triton.away = errors.BackendUnavailable("gone")
        for what in ("load", "unload"):
            response = await client.post(f"/models/signs/{what}")
            problem(response, 503, "backend-unavailable")
            assert "retry-after" in response.headers
    async with gateway(triton, **ON) as client:
        problem(await client.get("/models/signs"), 503, "backend-unavailable")
