"""The OpenAPI document is whole, and can be taken away."""

import json
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import jsonschema_rs
import pytest

from service import errors
from service.app import create_app
from service.server import _welcome
from service.settings import Settings
from tests.fakes import FakeBackend
from tests.service.client import gateway
from tests.service.openapi import COMPONENTS, DOCUMENT, OPERATIONS, PROBLEM

CLASSES = [getattr(errors, name) for name in errors.__all__ if name[0].isupper()]
KINDS = {kind.code() for kind in CLASSES if kind is not errors.GatewayError}


def test_operations_have_names_that_make_good_methods() -> None:
    assert set(OPERATIONS) == {
        "predict", "list_models", "get_model", "load_model", "unload_model", "is_alive",
        "is_ready", "get_metrics", "predict_as_torchserve", "predict_version_as_torchserve",
        "put_as_torchserve", "put_version_as_torchserve", "ping", "compare",
        "list_routes", "list_shadows", "get_shadow", "reset_shadow", "get_shadow_image",
    }  # fmt: skip
    described = {tag["name"] for tag in DOCUMENT["tags"]}
    assert {tag for *_, operation in OPERATIONS.values() for tag in operation["tags"]} == described
    assert DOCUMENT["info"]["version"] == version("fovea")


def test_every_problem_is_an_example_somewhere() -> None:
    assert {code for _, code in _examples_of_problems()} == KINDS | {"not-found"}


def _examples_of_problems() -> Iterator[tuple[str, str]]:
    for name, (*_, operation) in OPERATIONS.items():
        for response in operation["responses"].values():
            for code in response["content"].get(PROBLEM, {"examples": ()})["examples"]:
                yield name, code


def _media_types() -> Iterator[Any]:
    for name, (*_, operation) in OPERATIONS.items():
        for status, response in operation["responses"].items():
            for kind, media in response["content"].items():
                yield pytest.param(media, id=f"{name}-{status}-{kind}")
    for kind, media in DOCUMENT["paths"]["/predict"]["post"]["requestBody"]["content"].items():
        yield pytest.param(media, id=f"body-{kind}")
    for name, response in COMPONENTS["responses"].items():
        yield pytest.param(response["content"][PROBLEM], id=name)


@pytest.mark.parametrize("media", list(_media_types()))
def test_examples_are_what_their_schema_says(media: dict[str, Any]) -> None:
    validator = jsonschema_rs.validator_for(media["schema"] | {"components": COMPONENTS})
    for example in media.get("examples", {}).values():
        validator.validate(example["value"])


@pytest.mark.anyio
@pytest.mark.parametrize(
    "path", ["/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect", "/static-offline-docs/"]
)
async def test_the_documentation_can_be_taken_away(path: str) -> None:
    async with gateway(docs=False) as client:
        response = await client.get(path)
        assert (response.status_code, response.json()["type"]) == (404, "about:blank")
        assert (await client.get("/models")).status_code == 200


@pytest.mark.parametrize("docs", [True, False])
def test_the_first_line_names_the_documentation_where_there_is_one(docs: bool) -> None:
    app = create_app(Settings(docs=docs), FakeBackend())
    assert ("/docs" in _welcome("http://127.0.0.1:8080", app)) == docs


def test_the_document_is_json() -> None:
    assert json.loads(json.dumps(DOCUMENT)) == DOCUMENT
