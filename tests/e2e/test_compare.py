"""Four real models on one image, and the response cache, against the real Triton."""

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.stack import REPOSITORY, serve

CLASSIFIERS = ("mbv2_simam", "mbv2_none", "mbv2_cbam")
MODELS = (*CLASSIFIERS, "retinanet_mbv2_simam")
PHOTO = Path("docs/images/no_parking.jpg").read_bytes()
SCENE = Path("docs/images/scene.jpg").read_bytes()
JPEG = {"content-type": "image/jpeg"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    for name in MODELS:
        if not (REPOSITORY / name / "1/model.pt").exists():
            pytest.fail(f"model_repository/{name}/1/model.pt is not built: run `make models`")
    log = tmp_path_factory.mktemp("compare") / "log"
    with (
        serve(
            log,
            ",".join(MODELS),
            FOVEA_CACHE_BYTES="1000000",
            FOVEA_MODEL_CONTROL="true",
            FOVEA_CATALOG_REFRESH_SECONDS="60",
        ) as stack,
        httpx.Client(base_url=stack.url, timeout=30) as session,
    ):
        yield session


def ask(client: httpx.Client, path: str, image: bytes, **query: object) -> dict[str, Any]:
    response = client.post(path, params=query, content=image, headers=JPEG)
    assert response.status_code == 200, response.text
    return dict(response.json())


def decoded(client: httpx.Client) -> float:
    """Images that were decoded so far, whoever asked."""
    lines = client.get("/metrics").text.splitlines()
    counts = [line for line in lines if line.startswith("fovea_stage_seconds_count")]
    return sum(float(line.rpartition(" ")[2]) for line in counts if 'stage="decode"' in line)


@pytest.mark.parametrize("image", [PHOTO, SCENE], ids=["photo", "scene"])
def test_each_answers_as_it_does_alone(client: httpx.Client, image: bytes) -> None:
    before = decoded(client)
    whole = ask(client, "/compare", image, models=",".join(MODELS))
    assert decoded(client) == before + 1
    for one, name in zip(whole["results"], MODELS, strict=True):
        alone = ask(client, "/predict", image, model=name)
        told = one["answer"]
        assert (one["name"], told["model"], told["version"]) == (name, name, alone["version"])
        assert numbers(told) == pytest.approx(numbers(alone), abs=1e-6)
        assert told["timings_ms"]["infer"] > 0
        assert whole["image"] == alone["image"]


def numbers(answer: dict[str, Any]) -> list[float]:
    """All that a model says, in an order of its own."""
    if "predictions" in answer:
        return [one["score"] for one in by_class(answer)]
    return [
        number
        for one in answer["detections"]
        for number in (one["class_id"], one["score"], *one["box"].values())
    ]


def by_class(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return sorted(answer["predictions"], key=lambda one: one["class_id"])


def test_the_agreement_is_that_of_the_answers(client: httpx.Client) -> None:
    whole = ask(client, "/compare", PHOTO, models=",".join(MODELS), top_k=2)
    alone = {name: ask(client, "/predict", PHOTO, model=name) for name in CLASSIFIERS}
    assert [tuple(pair["names"]) for pair in whole["agreement"]] == [*combinations(CLASSIFIERS, 2)]
    for pair in whole["agreement"]:
        one, other = (alone[name] for name in pair["names"])
        apart = zip(numbers(one), numbers(other), strict=True)
        assert pair["distance"] == pytest.approx(sum(abs(a - b) for a, b in apart) / 2, abs=1e-6)
        best = [answer["predictions"][0]["label"] for answer in (one, other)]
        assert pair["top_1"] == (best[0] == best[1])
    labels = {answer["predictions"][0]["label"] for answer in alone.values()}
    assert {vote["label"] for vote in whole["votes"]} == labels
    assert whole["unanimous"] == (len(labels) == 1)
    assert {len(one["answer"].get("predictions", "12")) for one in whole["results"]} == {2}


def test_an_answer_from_memory_is_the_one_that_was_computed(client: httpx.Client) -> None:
    other = SCENE + b"\0"  # the same picture to any decoder, and other bytes
    for name in MODELS:
        first, second = (ask(client, "/predict", other, model=name) for _ in range(2))
        assert [one["routing"]["cache"] for one in (first, second)] == ["miss", "hit"]
        assert numbers(second) == numbers(first)
        assert "infer" not in second["timings_ms"]


def test_a_model_that_was_loaded_anew_has_no_answers_in_memory(client: httpx.Client) -> None:
    name = "mbv2_cbam"
    ask(client, "/predict", PHOTO, model=name)
    ask(client, "/predict", PHOTO, model="mbv2_none")
    for act in ("unload", "load"):
        assert client.post(f"/models/{name}/{act}").status_code == 200
    again = ask(client, "/predict", PHOTO, model=name)
    kept = ask(client, "/predict", PHOTO, model="mbv2_none")
    assert (again["routing"]["cache"], kept["routing"]["cache"]) == ("miss", "hit")
