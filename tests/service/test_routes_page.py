"""GET /routes tells what is in force and what it comes to."""

import asyncio
import hashlib
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest

from contract.recipe import Task
from tests.fakes import FakeBackend, FakeModel, recipe
from tests.service import detector
from tests.service.client import gateway
from tests.service.openapi import COMPONENTS, OPERATIONS

pytestmark = pytest.mark.anyio

TEXT = """
[defaults]
classification = "signs"

[routes.signs]
to = { "a@1" = 50, "a@2" = 20, "b" = 30, "away" = 100 }
fallback = ["boxes", "nobody"]
fallback_when = ["slow", "broken"]
shadow = { to = "a@3", share = 0.25 }

[routes.empty]
to = "away"

[auto.detection]
models = ["boxes", "b", "away"]
"""
BACKEND = {
    "a": FakeModel(versions=("1", "2")),
    "b": FakeModel(),
    "away": FakeModel(versions=()),
    "boxes": detector.model(),
}


def asking(
    models: dict[str, FakeModel], path: Path | None = None
) -> AbstractAsyncContextManager[httpx.AsyncClient]:
    return gateway(FakeBackend(models), routes_file=path, catalog_refresh_seconds=0.02)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "routes.toml"
    path.write_text(TEXT)
    return path


async def ask(client: httpx.AsyncClient) -> dict[str, Any]:
    response = await client.get("/routes")
    assert response.status_code == 200
    answer: dict[str, Any] = response.json()
    return answer


def said(target: str, reason: str | None = None, **more: Any) -> dict[str, Any]:
    return {"target": target, "ready": reason is None, "reason": reason} | more


async def test_each_target_tells_its_share_of_those_that_are_ready(path: Path) -> None:
    async with asking(BACKEND, path) as client:
        answer = await ask(client)
    away = "model 'away': no version of it is loaded"
    signs, empty = answer["routes"]
    assert signs == {
        "name": "signs",
        "to": [
            said("a@1", weight=50, share=0.5),
            said("a@2", weight=20, share=0.2),
            said("b", weight=30, share=0.3),
            said("away", away, weight=100, share=0),
        ],
        "fallback": [said("boxes"), said("nobody", "there is no model 'nobody'")],
        "fallback_when": ["broken", "slow"],
        "shadow": said("a@3", "model 'a' has no version '3' ready", share=0.25),
    }
    assert empty["to"] == [said("away", away, weight=1, share=0)]
    assert (empty["shadow"], answer["defaults"]) == (None, {"classification": "signs"})


async def test_the_policy_tells_among_which_it_chooses(path: Path) -> None:
    async with asking(BACKEND, path) as client:
        classification, detection = (await ask(client))["auto"]
    assert classification == {
        "task": Task.CLASSIFICATION,
        "listed": False,
        "models": [said("a"), said("b")],
        "reason": None,
    }
    assert detection == {
        "task": Task.DETECTION,
        "listed": True,
        "models": [
            said("boxes"),
            said("b", "it is untrained, or does not do detection"),
            said("away", "model 'away': no version of it is loaded"),
        ],
        "reason": None,
    }


async def test_a_policy_without_a_choice_says_why() -> None:
    models = {"cat": FakeModel(recipe(labels=("cat",))), "dog": FakeModel(recipe(labels=("dog",)))}
    models["cat"].scores = models["dog"].scores = (1.0,)
    async with asking(models) as client:
        answer = await ask(client)
    assert answer["fault"] is None
    assert (answer["digest"], answer["since"], answer["routes"]) == (None, None, [])
    assert "differ in their labels" in answer["auto"][0]["reason"]
    assert answer["auto"][0]["models"] == answer["auto"][1]["models"] == []


async def test_the_newest_files_fault_is_beside_what_is_in_force(path: Path) -> None:
    async with asking(BACKEND, path) as client:
        before = await ask(client)
        after = await _changed(client, path, "[routes.signs]\n")
        mended = await _changed(client, path, "[routes.x]\nto = 'a'\n")
    assert before["fault"] is None
    assert before["digest"] == hashlib.sha256(TEXT.encode()).hexdigest()[:12]
    age = datetime.now(UTC) - datetime.fromisoformat(before["since"])
    assert timedelta() < age < timedelta(minutes=1)
    assert after == before | {"fault": "routes.toml:1: routes.signs: 'to' is missing"}
    assert (mended["fault"], [route["name"] for route in mended["routes"]]) == (None, ["x"])
    assert mended["since"] > before["since"]


async def _changed(client: httpx.AsyncClient, path: Path, text: str) -> dict[str, Any]:
    """The first other answer once the file has that text."""
    before = await ask(client)
    new = path.with_name("new")
    await asyncio.to_thread(new.write_text, text)
    await asyncio.to_thread(new.replace, path)
    for _ in range(500):
        after = await ask(client)
        if after != before:
            return after
        await asyncio.sleep(0.02)
    raise AssertionError("the change was not seen")


async def test_what_is_answered_is_what_the_document_says(path: Path) -> None:
    async with asking(BACKEND, path) as client:
        answer = await ask(client)
    described = OPERATIONS["list_routes"][2]["responses"]["200"]["content"]["application/json"]
    _validator(described["schema"]).validate(answer)


def test_examples_of_the_document_are_right() -> None:
    parts = ["RoutesInfo", "RouteInfo", "TargetInfo", "WeightedInfo", "CandidateInfo", "AutoInfo"]
    fields = [
        field for part in parts for field in COMPONENTS["schemas"][part]["properties"].values()
    ]
    examples = [(field, example) for field in fields for example in field.get("examples", ())]
    assert len(examples) > 10
    for field, example in examples:
        _validator(field).validate(example)


def _validator(schema: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(schema | {"components": COMPONENTS})
