"""What every endpoint shares: problems for the router's refusals, the list of models, the docs."""

import asyncio
from pathlib import Path

import pytest

from service.routes.predict import PredictQuery
from service.trace import Stage
from tests.fakes import LABELS, FakeBackend, FakeModel, recipe
from tests.service.client import gateway

pytestmark = pytest.mark.anyio
DOCUMENT = (Path(__file__).parents[2] / "docs/http-api.md").read_text()


async def test_an_unknown_path_is_a_problem() -> None:
    async with gateway() as client:
        response = await client.get("/nope", headers={"x-request-id": "me"})
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "instance": "/nope",
        "request_id": "me",
    }


@pytest.mark.parametrize("path", ["/%00", "/%ff%fe", "/" + "x" * 5000, "//[", "/a%0d%0ab"])
async def test_an_odd_path_is_an_ordinary_problem(path: str) -> None:
    async with gateway() as client:
        response = await client.get(path)
    assert response.status_code == 404
    assert response.json()["instance"].isascii()
    assert len(response.content) < 1000


@pytest.mark.parametrize(("method", "path"), [("GET", "/predict"), ("POST", "/models")])
async def test_a_wrong_method_is_a_problem_that_names_the_right_one(method, path) -> None:
    async with gateway() as client:
        response = await client.request(method, path)
    assert response.status_code == 405
    assert response.json()["title"] == "Method Not Allowed"
    assert response.headers["allow"] == ("POST" if path == "/predict" else "GET")


async def test_the_models_are_listed_with_their_recipes() -> None:
    async with gateway(FakeBackend({"a": FakeModel(), "b": FakeModel(recipe=None)})) as client:
        first, second = (await client.get("/models")).json()["models"]
    assert first["name"] == "a"
    assert first["servable"]
    assert first["versions"] == ["1"]
    assert first["labels"] == list(LABELS)
    assert first["input"]["height"] == 64
    assert first["card"] is None
    assert second["labels"] is None
    assert "fovea_recipe" in second["reason"]


async def test_openapi_describes_all_bodies_and_the_problems() -> None:
    async with gateway() as client:
        document = (await client.get("/openapi.json")).json()
        assert (await client.get("/docs")).status_code == 200
    operation = document["paths"]["/predict"]["post"]
    bodies = operation["requestBody"]["content"]
    assert set(bodies) == {"image/*", "multipart/form-data", "application/json"}
    assert set(bodies["application/json"]["schema"]["properties"]) == {"image", "images"}
    names = {p["name"] for p in operation["parameters"]}
    assert names == {
        "model", "version", "top_k", "class_map", "score_threshold", "max_detections", "render",
        "timeout_ms", "x-timeout-ms", "task", "policy", "budget_ms", "route_key", "x-route-key",
        "target", "x-route-target", "truth",
    }  # fmt: skip
    assert set(operation["responses"]["200"]["content"]) == {"application/json", "image/png"}
    detection = document["components"]["schemas"]["Detection"]
    assert set(detection["properties"]) == {"label", "class_id", "score", "box", "mask"}
    assert detection["required"] == ["label", "class_id", "score", "box"]
    for status in ("400", "404", "413", "415", "422", "502", "503", "504"):
        assert set(operation["responses"][status]["content"]) == {"application/problem+json"}
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    references = [choice["$ref"].rpartition("/")[2] for choice in schema["anyOf"]]
    assert references == ["Answer", "BatchAnswer"]


@pytest.mark.parametrize("name", PredictQuery.model_fields)
async def test_each_parameter_is_documented(name: str) -> None:
    assert f"\n| `{name}` | " in DOCUMENT


async def test_each_endpoint_is_documented() -> None:
    async with gateway() as client:
        paths = (await client.get("/openapi.json")).json()["paths"]
    for path, operations in paths.items():
        for method in operations:
            assert f"\n| `{method.upper()} {path}` | " in DOCUMENT


@pytest.mark.parametrize("stage", Stage)
async def test_each_stage_is_documented(stage: Stage) -> None:
    assert f'"{stage}": ' in DOCUMENT or f"`{stage}`" in DOCUMENT


async def test_the_recipe_of_a_reload_is_taken_over() -> None:
    backend = FakeBackend()
    async with gateway(backend, catalog_refresh_seconds=0.01) as client:
        backend.models["signs"].recipe = recipe(labels=("cat", "dog"))
        for _ in range(100):
            listed = (await client.get("/models")).json()["models"][0]
            if listed["labels"] == ["cat", "dog"]:
                return
            await asyncio.sleep(0.01)
    pytest.fail("the new recipe did not appear")
