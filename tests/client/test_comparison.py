"""Several models beside each other: what is sent, and how the answer is read."""

import httpx
import pytest

import fovea
from fovea._comparison import comparison
from tests.client.shells import ANSWER, IMAGE, Ask, Script, asynchronous, sync

PROBLEM = {"type": "urn:fovea:problem:overloaded", "title": "Gateway overloaded", "status": 503}
FOUND = {name: member for name, member in ANSWER.items() if name != "image"}
COMPARED = {
    "results": [
        {"name": "signs", "status": 200, "answer": FOUND | {"timings_ms": {"infer": 6.25}}},
        {"name": "mbv2@2", "status": 503, "problem": PROBLEM},
    ],
    "agreement": [
        {"names": ["a", "b"], "task": "classification", "top_1": True, "distance": 0},
        {"names": ["c", "d"], "task": "detection", "matched": 0, "missed": 1, "extra": 2},
    ],
    "votes": [{"label": "stop", "names": ["signs"]}],
    "image": {"width": 64, "height": 48},
    "timings_ms": {"decode": 1.5, "total": 9},
    "request_id": "4f1c",
}


@pytest.fixture(params=[sync, asynchronous], ids=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Ask:
    return request.param


def test_the_names_are_one_parameter(ask: Ask) -> None:
    script = Script(httpx.Response(200, json=COMPARED))
    ask(script, "compare", IMAGE, iter(["signs", "mbv2@2"]), top_k=3, score_threshold=0.5)
    (request,) = script.requests
    assert (request.method, request.url.path, request.read()) == ("POST", "/compare", IMAGE)
    params = {"models": "signs,mbv2@2", "top_k": "3", "score_threshold": "0.5"}
    assert dict(request.url.params) == params
    assert request.headers["content-type"] == "image/*"


def test_each_model_has_an_answer_or_an_error(ask: Ask) -> None:
    script = Script(httpx.Response(200, json=COMPARED))
    good, bad = ask(script, "compare", IMAGE, ["signs", "mbv2@2"]).results
    assert (good.name, good.error, bad.answer) == ("signs", None, None)
    answer = good.result()
    assert (answer.model, answer.image.width, answer.request_id) == ("signs", 64, "4f1c")
    assert answer.timings_ms == {"infer": 6.25}
    with pytest.raises(fovea.Overloaded):
        bad.result()


def test_what_is_told_of_all_is_read() -> None:
    told = comparison(COMPARED)
    classifiers, detectors = told.agreement
    assert (classifiers.names, classifiers.top_1, classifiers.distance) == (("a", "b"), True, 0.0)
    assert (classifiers.matched, detectors.top_1, detectors.iou) == (None, None, None)
    assert (detectors.matched, detectors.missed, detectors.extra) == (0, 1, 2)
    assert told.votes == (fovea.Vote(label="stop", names=("signs",)),)
    assert (told.unanimous, told.image.height, told.timings_ms["total"]) == (None, 48, 9.0)


def test_one_string_is_no_list_of_names(ask: Ask) -> None:
    script = Script(httpx.Response(200, json=COMPARED))
    with pytest.raises(TypeError, match="a list of names"):
        ask(script, "compare", IMAGE, "signs,other")
    assert not script.requests


@pytest.mark.parametrize(
    ("members", "place"),
    [
        ({"image": None}, "comparison.image is missing"),
        ({"results": [{"name": "a"}]}, r"comparison.results\[0\].status is missing"),
        ({"results": [{"name": "a", "status": 200, "answer": {}}]}, "a.model is missing"),
        ({"agreement": [{"names": ["a"], "task": "x"}]}, r"names has 1 items, not 2"),
    ],
)
def test_what_cannot_be_read_is_named(members: dict, place: str) -> None:
    with pytest.raises(fovea.UnexpectedAnswer, match=place):
        comparison(COMPARED | members)


def test_a_place_without_either_is_no_answer() -> None:
    told = comparison(COMPARED | {"results": [{"name": "signs", "status": 200}]})
    with pytest.raises(fovea.UnexpectedAnswer, match="'signs'"):
        told.results[0].result()
