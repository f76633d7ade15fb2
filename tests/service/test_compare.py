"""Several models on one image: who is asked, what is shared, and how far they agree."""

import asyncio
import base64
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import numpy as np
import pytest

from contract.recipe import InputSpec
from service.app import create_app
from service.errors import BackendUnavailable, GatewayError, InferenceFailed
from service.settings import Settings
from service.steps import decode as decoding
from tests.fakes import LABELS, RECIPE, FakeBackend, FakeModel, recipe
from tests.images import jpeg
from tests.service import detector
from tests.service.client import JPEG, gateway
from tests.service.openapi import COMPONENTS, OPERATIONS, PROBLEM

pytestmark = pytest.mark.anyio
ELSEWHERE = InputSpec(name="ELSEWHERE", height=64, width=64, fit=RECIPE.input.fit)
SMALL = InputSpec(name="INPUT__0", height=32, width=32, fit=RECIPE.input.fit)
ROUTES = """
[routes.signs]
to = "a"
[routes.mixed]
to = {"a" = 1, "b" = 1}
[routes.guarded]
to = "away"
fallback = ["b"]
"""


def models(**more: FakeModel) -> dict[str, FakeModel]:
    return {
        "a": FakeModel(),  # no_parking
        "b": FakeModel(recipe(input=ELSEWHERE), scores=(0.05, 0.1, 0.15, 0.25, 0.35, 0.1)),
        "c": FakeModel(recipe(input=SMALL), scores=(0.6, 0.2, 0.2, 0, 0, 0)),
        "d": detector.model(),
        "e": detector.model(
            detector.arrays(
                [[4, 20, 24, 40], [0, 0, 64, 40], [50, 18, 64, 30]], [0.8, 0.7, 0.3], [4, 2, 2]
            )
        ),
        "away": FakeModel(versions=()),
        "odd": FakeModel(recipe=None),
    } | more


@dataclass
class Backend(FakeBackend):
    """One whose models can fail each for itself."""

    failures: dict[str, GatewayError] = field(default_factory=dict)

    async def infer(self, model: str, *arguments: Any, **options: Any) -> Any:
        if model in self.failures:
            raise self.failures[model]
        return await super().infer(model, *arguments, **options)


def backend(**changes: Any) -> Backend:
    return Backend(models(), **changes)


async def compare(client: httpx.AsyncClient, names: str, **query: Any) -> httpx.Response:
    return await client.post(
        "/compare", params={"models": names} | query, content=jpeg(128, 64), headers=JPEG
    )


@pytest.fixture
def decodes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One item for each file that Pillow has decoded."""
    seen = []
    decode = decoding.decoder.decode

    def counting(data: bytes, *arguments: Any) -> Any:
        seen.append(len(data))
        return decode(data, *arguments)

    monkeypatch.setattr(decoding.decoder, "decode", counting)
    return seen


@pytest.fixture
def routes_file(tmp_path: Path) -> Path:
    file = tmp_path / "routes.toml"
    file.write_text(ROUTES)
    return file


async def test_each_says_what_it_says_alone(decodes: list[int]) -> None:
    async with gateway(backend()) as client:
        whole = (await compare(client, "a,b,d,c")).json()
        assert len(decodes) == 1
        alone = [
            (
                await client.post(
                    "/predict", params={"model": name}, content=jpeg(128, 64), headers=JPEG
                )
            ).json()
            for name in "abdc"
        ]
    assert [one["name"] for one in whole["results"]] == ["a", "b", "d", "c"]
    for one, other in zip(whole["results"], alone, strict=True):
        assert one["status"] == 200
        answer = one["answer"]
        assert answer.keys() == other.keys() - {"image", "request_id"}
        assert answer.keys() >= {"predictions"} or answer.keys() >= {"detections"}
        for part in answer.keys() - {"timings_ms"}:
            assert answer[part] == other[part]
        assert list(answer["timings_ms"]) == ["queue", "infer", "postprocess", "total"]
        assert whole["image"] == other["image"]
    assert list(whole["timings_ms"]) == ["read", "decode", "preprocess", "total"]


async def test_inputs_that_differ_in_the_tensors_name_alone_are_one() -> None:
    asked = backend()
    async with gateway(asked) as client:
        await compare(client, "a,b,c")
    a, b, c = asked.tensors
    assert a is b
    assert (a.shape, c.shape) == ((1, 64, 64, 3), (1, 32, 32, 3))


async def test_models_are_asked_at_the_same_time() -> None:
    asked = backend(delay_seconds=0.05)
    most = 0

    async def watch() -> None:
        nonlocal most
        while True:
            most = max(most, asked.running)
            await asyncio.sleep(0.005)

    async with gateway(asked) as client:
        watching = asyncio.create_task(watch())
        await compare(client, "a,b,c,d")
        watching.cancel()
    assert most == 4


async def test_classifiers_agree_as_far_as_their_probabilities() -> None:
    async with gateway(backend()) as client:
        told = (await compare(client, "a,b,d,c", top_k=1)).json()
    pairs = {tuple(pair["names"]): pair for pair in told["agreement"]}
    assert list(pairs) == [("a", "b"), ("a", "c"), ("b", "c")]  # the detector is of another task
    assert pairs["a", "b"].keys() == {"names", "task", "top_1", "distance"}
    assert [pair["top_1"] for pair in pairs.values()] == [True, False, False]
    scores = {name: np.array(model.scores) for name, model in models().items()}
    for (one, other), pair in pairs.items():  # of all classes, whatever `top_k` says
        distance = np.abs(scores[one] - scores[other]).sum() / 2
        assert pair["distance"] == pytest.approx(distance, abs=1e-6)
    assert [len(one["answer"].get("predictions", "1")) for one in told["results"]] == [1] * 4
    assert told["votes"] == [
        {"label": LABELS[4], "names": ["a", "b"]},
        {"label": LABELS[0], "names": ["c"]},
    ]
    assert told["unanimous"] is False


async def test_those_who_are_of_one_mind_are_unanimous() -> None:
    async with gateway(backend()) as client:
        assert (await compare(client, "a,d,b")).json()["unanimous"] is True
        assert "unanimous" not in (await compare(client, "a,d,away")).json()
        detectors = (await compare(client, "d,e")).json()
    assert detectors["votes"] == []
    assert "unanimous" not in detectors


async def test_detectors_agree_as_far_as_their_boxes() -> None:
    async with gateway(backend()) as client:
        whole = (await compare(client, "d,e")).json()["agreement"]
        best = (await compare(client, "d,e", max_detections=1)).json()["agreement"]
        sure = (await compare(client, "d,e", score_threshold=0.6)).json()
    shape = {"names": ["d", "e"], "task": "detection"}
    assert whole == [shape | {"matched": 1, "iou": 1.0, "missed": 1, "extra": 2}]
    assert best == [shape | {"matched": 1, "iou": 1.0, "missed": 0, "extra": 0}]
    assert [len(one["answer"]["detections"]) for one in sure["results"]] == [1, 2]


async def test_a_model_that_fails_is_a_problem_in_its_place() -> None:
    failing = backend(failures={"b": InferenceFailed("the model failed at this request")})
    async with gateway(failing) as client:
        response = await compare(client, "a,b,away,odd,c")
        counted = (await client.get("/metrics")).text
    told = response.json()
    assert response.status_code == 200
    assert [one["status"] for one in told["results"]] == [200, 502, 503, 409, 200]
    problems = [one["problem"] for one in told["results"] if "problem" in one]
    assert [problem["type"].rpartition(":")[2] for problem in problems] == [
        "inference-failed", "model-not-ready", "model-not-servable",
    ]  # fmt: skip
    assert {problem["instance"] for problem in problems} == {"/compare"}
    assert [pair["names"] for pair in told["agreement"]] == [["a", "c"]]
    assert 'fovea_problems_total{problem="inference-failed"} 1.0' in counted


async def test_where_no_model_can_be_asked_the_request_fails_before_its_body() -> None:
    async def body() -> Any:
        raise AssertionError("nobody reads it")
        yield b""

    async with gateway(backend()) as client:
        response = await client.post(
            "/compare", params={"models": "away,odd"}, content=body(), headers=JPEG
        )
    assert (response.status_code, response.json()["detail"]) == (
        503,
        "model 'away': no version of it is loaded",
    )


async def test_where_all_fail_it_is_told_and_logged_as_a_failure() -> None:
    away = backend(failure=BackendUnavailable("gone"))
    async with gateway(away) as client:
        response = await compare(client, "a,b")
        counted = (await client.get("/metrics")).text
    assert [one["status"] for one in response.json()["results"]] == [503, 503]
    assert 'fovea_request_seconds_count{model="",outcome="unavailable",version=""} 1.0' in counted


async def test_looks_are_not_counted_for_nobody() -> None:
    async with gateway(backend()) as client:
        await compare(client, "a,b")
        counted = (await client.get("/metrics")).text
    assert "fovea_image_bytes_count" not in counted


async def test_each_model_takes_no_more_than_its_limiter_lets_in() -> None:
    asked = backend(delay_seconds=0.03)
    most = 0

    async def watch() -> None:
        nonlocal most
        while True:
            most = max(most, asked.running)
            await asyncio.sleep(0.002)

    async with gateway(asked) as client:
        watching = asyncio.create_task(watch())
        await asyncio.gather(*(compare(client, "a,b") for _ in range(2)))
        watching.cancel()
    assert most == 2  # of a model that is new, one at a time


async def test_a_model_that_is_full_leaves_the_others_theirs() -> None:
    async with gateway(backend(), max_in_flight=2) as client:
        told = (await compare(client, "a,b,c")).json()
    assert [one["status"] for one in told["results"]] == [200, 200, 503]
    assert told["results"][2]["problem"]["type"].endswith(":overloaded")


async def test_what_is_not_done_in_time_says_so() -> None:
    slow = backend(delay_seconds=30)
    async with gateway(slow) as client:
        told = (await compare(client, "a,b", timeout_ms=200)).json()
    assert [one["problem"]["stage"] for one in told["results"]] == ["infer", "infer"]
    assert slow.running == 0


async def test_names_may_be_routes_and_versions(routes_file: Path) -> None:
    asked = backend()
    asked.models["b"].versions = ("1", "2")
    async with gateway(asked, routes_file=routes_file) as client:
        told = (await compare(client, "signs,b@1,b@2,guarded,c")).json()
    answers = [one["answer"] for one in told["results"]]
    assert [(one["model"], one["version"]) for one in answers[:3]] == [
        ("a", "1"), ("b", "1"), ("b", "2"),
    ]  # fmt: skip
    assert answers[0]["routing"]["route"] == "signs"
    assert "routing" not in answers[1]
    assert [one["model"] for one in answers[3]["routing"]["passed_over"]] == ["away"]


@pytest.mark.parametrize(
    ("names", "detail"),
    [
        ("a", "a comparison is of 2 to 8 models, and 'a' names 1"),
        ("a,,b", "a comparison is of 2 to 8 models, and 'a,,b' names 2"),
        ("", "a comparison is of 2 to 8 models, and '' names 0"),
        (
            ",".join("abcdefghi"),
            "a comparison is of 2 to 8 models, and 'a,b,c,d,e,f,g,h,i' names 9",
        ),
        ("a,b,a", "'a' is named twice"),
        ("a,a@1", "'a' and 'a@1' are both a@1"),
        ("b,signs,a", "'signs' and 'a' are both a@1"),
        ("a,auto", "'auto' stands for no model in particular"),
        ("a,signs@1", "'signs' is a route, which settles the version itself"),
    ],
)
async def test_a_list_that_is_no_comparison_is_refused(
    names: str, detail: str, routes_file: Path
) -> None:
    async with gateway(backend(), routes_file=routes_file) as client:
        document = (await compare(client, names)).json()
    assert (document["status"], document["field"]) == (422, "models")
    assert document["detail"] == detail
    assert document["remedy"]


async def test_two_that_chance_brings_to_one_model_are_both_asked(routes_file: Path) -> None:
    async with gateway(backend(), routes_file=routes_file) as client:
        answers = [(await compare(client, "a,mixed")).json() for _ in range(20)]
    models = {told["results"][1]["answer"]["model"] for told in answers}
    assert models == {"a", "b"}  # all but once in half a million


async def test_all_names_that_are_unknown_are_named_at_once() -> None:
    async with gateway(backend()) as client:
        some = (await compare(client, "x,a,y@2")).json()
        one = (await compare(client, "a,x")).json()
        version = (await compare(client, "a,b@7")).json()
    assert (some["status"], some["unknown"], some["field"]) == (404, ["x", "y@2"], "models")
    assert some["detail"] == "nobody is called 'x', 'y@2'"
    assert (one["unknown"], one["detail"]) == (["x"], "there is no model 'x'")
    assert "b" in one["models"]
    assert (version["status"], version["versions"], version["field"]) == (404, ["1"], "models")


@pytest.mark.parametrize(
    ("names", "query", "wrong"),
    [
        ("a,b", {"score_threshold": 0.5}, "score_threshold"),
        ("a,b", {"max_detections": 2}, "max_detections"),
        ("d,e", {"top_k": 1}, "top_k"),
        ("a,d", {"score_threshold": 0.01}, "score_threshold"),
        ("a,d", {"max_detections": 9}, "max_detections"),
        ("a,d", {"top_k": 0}, "top_k"),
    ],
)
async def test_what_none_of_them_could_answer_is_refused(
    names: str, query: dict[str, Any], wrong: str
) -> None:
    async with gateway(backend()) as client:
        document = (await compare(client, names, **query)).json()
    assert (document["status"], document["field"]) == (422, wrong)


async def test_parameters_of_predict_that_have_no_place_here_are_unknown() -> None:
    async with gateway(backend()) as client:
        for name in ("model", "version", "render", "class_map", "target"):
            document = (await compare(client, "a,b", **{name: 1})).json()
            assert (document["status"], document["field"]) == (400, name)


async def test_a_comparison_is_of_one_image() -> None:
    encoded = base64.b64encode(jpeg()).decode()
    async with gateway(backend()) as client:

        async def post(**body: Any) -> dict[str, Any]:
            response = await client.post("/compare?models=a,b", **body)
            return dict(response.json())

        form = await post(files=[("file", jpeg()), ("file", jpeg())])
        listed = await post(json={"images": [encoded, encoded]})
        assert (form["status"], form["field"]) == (422, "file")
        assert (listed["status"], listed["field"]) == (422, "images")
        for one in (
            {"files": {"file": jpeg()}},
            {"json": {"image": encoded}},
            {"json": {"images": [encoded]}},
        ):
            assert (await post(**one))["unanimous"] is True
        broken = await post(json={"images": ["?"]})
        assert (broken["status"], broken["field"]) == (400, "images[0]")


async def test_an_image_that_cannot_be_read_fails_the_request() -> None:
    async with gateway(backend()) as client:
        response = await client.post("/compare?models=a,b", content=b"no image", headers=JPEG)
    assert (response.status_code, response.json()["title"]) == (422, "Unreadable image")


async def test_one_who_leaves_stops_all_that_is_done_for_him() -> None:
    asked = backend(delay_seconds=30)
    app = create_app(Settings(), asked)
    begun = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if not begun.is_set():
            begun.set()
            return {"type": "http.request", "body": jpeg(), "more_body": False}
        while asked.running < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        return {"type": "http.disconnect"}

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/compare", "query_string": b"models=a,b,c",
        "headers": [(b"content-type", b"image/jpeg"), (b"host", b"localhost")],
        "http_version": "1.1", "scheme": "http", "server": ("localhost", 80), "root_path": "",
        "client": ("127.0.0.1", 1),
    }  # fmt: skip
    async with app.router.lifespan_context(app):
        await asyncio.wait_for(app(scope, receive, send), 5)
    assert asked.running == 0
    assert sent[0]["status"] == 499


@pytest.mark.parametrize("kind", ["unknown-model", "unknown-version", "invalid-parameter"])
async def test_the_examples_are_what_is_answered(kind: str) -> None:
    names = {
        "unknown-model": "mbv2,mbv3,mbv2_simam",
        "unknown-version": "mbv2_simam@7,retinanet_mbv2_simam",
        "invalid-parameter": "mbv2_simam,mbv2_simam",
    }
    served = FakeBackend({"mbv2_simam": FakeModel(), "retinanet_mbv2_simam": detector.model()})
    async with gateway(served) as client:
        response = await compare(client, names[kind])
    described = OPERATIONS["compare"][2]["responses"][str(response.status_code)]
    example = described["content"][PROBLEM]["examples"][kind]["value"]
    assert response.json() == example | {"request_id": response.headers["x-request-id"]}


async def test_what_is_answered_is_what_the_document_says() -> None:
    described = OPERATIONS["compare"][2]["responses"]["200"]["content"]["application/json"]
    validator = jsonschema_rs.validator_for(described["schema"] | {"components": COMPONENTS})
    async with gateway(backend()) as client:
        response = await compare(client, "a,b,away,d,e")
    validator.validate(response.json())
    example = described["examples"]["classifiers"]["value"]
    assert response.json().keys() == example.keys()
    assert response.headers["server-timing"].startswith("read;dur=")
    json.dumps(example)
