"""GET /shadow: who may look, what is told, and what becomes of callers' images."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.app import create_app
from service.keys import Scope, generate
from service.settings import Settings
from tests.fakes import FakeBackend, FakeModel
from tests.images import jpeg
from tests.service import detector
from tests.service.client import predict

pytestmark = pytest.mark.anyio

RIGHT = (0.05, 0.1, 0.15, 0.2, 0.4, 0.1)  # of the fakes' labels, `no_parking`
WRONG = (0.4, 0.1, 0.15, 0.2, 0.05, 0.1)  # `red_light`


@asynccontextmanager
async def gateway(
    folder: Path,
    models: dict[str, FakeModel] | None = None,
    shadow: str = "",
    **settings: Any,
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway whose route ``signs`` has a shadow that sees every image."""
    file = folder / "routes.toml"
    file.write_text(
        f'[routes.signs]\nto = "old"\n[routes.signs.shadow]\nto = "new"\nshare = 1.0\n{shadow}\n'
        '[routes.plain]\nto = "old"\n'
    )
    models = models or {"old": FakeModel(scores=RIGHT), "new": FakeModel(scores=WRONG)}
    app = create_app(Settings(routes_file=file, **settings), FakeBackend(models))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://localhost"
        ) as client,
    ):
        yield client


async def shown(client: httpx.AsyncClient, images: int, **query: Any) -> dict[str, Any]:
    """The page of the shadow, once its candidate has seen ``images``, one after the other."""
    for count in range(1, images + 1):
        assert (await predict(client, model="signs", **query)).status_code == 200
        for _ in range(200):
            page = (await client.get("/shadow/signs")).json()
            if sum(trial["compared"] + trial["errors"] for trial in page["trials"]) == count:
                break
            await asyncio.sleep(0.005)
    return page


async def test_a_page_tells_what_came_of_a_candidate(tmp_path: Path) -> None:
    async with gateway(tmp_path) as client:
        page = await shown(client, 4, truth="no_parking")
        listed = (await client.get("/shadow")).json()["shadows"]
    (trial,) = page["trials"]
    assert (trial["primary"], trial["candidate"]) == (
        {"model": "old", "version": "1"},
        {"model": "new", "version": "1"},
    )
    assert (trial["compared"], trial["errors"], trial["labelled"]) == (4, 0, 4)
    assert (trial["verdict"], trial["reasons"]) == ("hold", ["4 of 200 images tried"])
    assert trial["agreement"]["value"] == 0
    assert trial["figures"]["distance"]["value"] == pytest.approx(0.35)
    assert trial["figures"]["primary_accuracy"]["value"] == 1
    assert page["settings"]["to"] == "new"
    assert listed == [{name: told for name, told in page.items() if name != "disagreements"}]


async def test_a_page_shows_both_answers_where_they_differ_and_no_image_unasked(
    tmp_path: Path,
) -> None:
    async with gateway(tmp_path) as client:
        page = await shown(client, 2)
        assert (await client.get("/shadow/signs/images/1")).status_code == 404
    newest, oldest = page["disagreements"]
    assert (newest["number"], oldest["number"]) == (2, 1)
    best = [newest[who]["predictions"][0]["label"] for who in ("primary", "candidate")]
    assert best == ["no_parking", "red_light"]
    assert newest["image"] is newest["truth"] is None


async def test_an_image_is_kept_if_that_is_asked_for_and_nothing_can_run_in_it(
    tmp_path: Path,
) -> None:
    async with gateway(tmp_path, shadow="keep_images = true") as client:
        page = await shown(client, 1)
        image = await client.get(page["disagreements"][0]["image"])
    assert image.content == jpeg()
    assert image.headers["content-type"] == "image/jpeg"
    assert image.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in image.headers.get_list("content-security-policy")
    assert image.headers["cache-control"] == "no-store"


async def test_a_reset_begins_anew(tmp_path: Path) -> None:
    async with gateway(tmp_path) as client:
        await shown(client, 1)
        page = (await client.delete("/shadow/signs")).json()
        assert (page["trials"], page["disagreements"]) == ([], [])
        assert (await client.get("/shadow/signs")).json() == page
        assert (await shown(client, 1))["trials"][0]["compared"] == 1


async def test_a_candidate_that_fails_is_told_of(tmp_path: Path) -> None:
    broken = FakeModel(scores=(0.5, 0.5))  # too few for its labels
    async with gateway(tmp_path, {"old": FakeModel(), "new": broken}) as client:
        (trial,) = (await shown(client, 1))["trials"]
    assert (trial["compared"], trial["errors"]) == (0, 1)
    assert trial["candidate"] == {"model": "new", "version": ""}


@pytest.mark.parametrize("name", ["plain", "nobody", "auto"])
async def test_only_routes_with_a_shadow_have_a_page(tmp_path: Path, name: str) -> None:
    async with gateway(tmp_path) as client:
        for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/images/1")):
            answer = await client.request(method, f"/shadow/{name}{path}")
            assert (answer.status_code, answer.json()["shadows"]) == (404, ["signs"])
            assert answer.json()["type"] == "urn:fovea:problem:unknown-shadow"


async def test_it_is_for_administrators(tmp_path: Path) -> None:
    phone, first = generate("phone", [Scope.PREDICT])
    admin, second = generate("ops", [Scope.ADMIN])
    file = tmp_path / "keys"
    file.write_text(f"{first}\n{second}\n")
    file.chmod(0o600)
    calls = [("GET", "/shadow"), ("GET", "/shadow/signs"), ("DELETE", "/shadow/signs"),
             ("GET", "/shadow/signs/images/1")]  # fmt: skip
    async with gateway(tmp_path, api_keys_file=file) as client:
        for method, path in calls:
            assert (await client.request(method, path)).status_code == 401
            refused = await client.request(method, path, headers={"x-api-key": phone})
            assert (refused.status_code, refused.json()["scope"]) == (403, "admin")
            allowed = await client.request(method, path, headers={"x-api-key": admin})
            assert allowed.status_code == (404 if "images" in path else 200)


async def test_a_page_of_detectors_tells_of_boxes(tmp_path: Path) -> None:
    fewer = detector.arrays(boxes=[[4, 20, 24, 40]], scores=[0.9], classes=[4])
    models = {"old": detector.model(), "new": detector.model(fewer)}
    async with gateway(tmp_path, models=models) as client:
        page = await shown(client, 2)
    figures = page["trials"][0]["figures"]
    assert figures["iou"]["value"] == 1
    assert (figures["missed_boxes"]["value"], figures["extra_boxes"]["value"]) == (2, 0)
    assert page["trials"][0]["agreement"]["value"] == pytest.approx(2 / 4)
    case = page["disagreements"][0]
    assert [len(case[who]["detections"]) for who in ("primary", "candidate")] == [3, 1]
    assert case["candidate"]["detections"][0]["label"] == "no_parking"
