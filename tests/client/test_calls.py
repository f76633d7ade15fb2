"""What is sent, to the byte, for each call and option."""

import io
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from fovea import Client, UnexpectedAnswer, __version__
from tests.client.shells import ANSWER, IMAGE, Ask, Script, answered, asynchronous, sync

MODEL = {"name": "signs", "servable": True, "versions": ["1"], "reason": None}


@pytest.fixture(params=[sync, asynchronous], ids=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Ask:
    return request.param


def sent(ask: Ask, *args: Any, reply: httpx.Response | None = None, **told: Any) -> httpx.Request:
    script = Script(reply or answered())
    ask(script, *args, **told)
    (request,) = script.requests
    return request


def test_an_image_is_the_body_itself(ask: Ask) -> None:
    request = sent(ask, "predict", IMAGE)
    assert (request.method, request.url.path, request.url.query) == ("POST", "/predict", b"")
    assert request.read() == IMAGE
    assert request.headers["content-type"] == "image/*"
    assert request.headers["accept"] == "application/json"
    assert request.headers["user-agent"] == f"fovea-python/{__version__}"
    assert "authorization" not in request.headers


def test_options_become_parameters_and_those_left_out_are_not_sent(ask: Ask) -> None:
    request = sent(ask, "predict", IMAGE, model="a b", version=2, top_k=3, class_map=True)
    assert dict(request.url.params) == {
        "model": "a b",
        "version": "2",
        "top_k": "3",
        "class_map": "true",
    }
    strict = sent(ask, "predict", IMAGE, score_threshold=0.5, max_detections=0, class_map=False)
    assert dict(strict.url.params) == {"score_threshold": "0.5", "max_detections": "0"}


def test_the_choice_of_a_model_is_described_in_parameters(ask: Ask) -> None:
    choice = {"task": "classification", "policy": "fastest", "target": "signs@2", "truth": "stop"}
    request = sent(ask, "predict", IMAGE, model="auto", budget_ms=12.5, route_key="car 7", **choice)
    numbers = {"model": "auto", "budget_ms": "12.5", "route_key": "car 7"}
    assert dict(request.url.params) == numbers | choice


@pytest.mark.parametrize("call", ["predict", "render"])
def test_an_answer_that_is_to_be_fresh_is_asked_past_caches(ask: Ask, call: str) -> None:
    picture = httpx.Response(200, json=ANSWER, headers={"content-type": "image/png"})
    reply = picture if call == "render" else answered()
    request = sent(ask, call, IMAGE, reply=reply, fresh=True, headers={"X-Team": "road"})
    assert (request.headers["cache-control"], request.headers["x-team"]) == ("no-cache", "road")
    assert "fresh" not in request.url.params
    assert "cache-control" not in sent(ask, call, IMAGE, reply=reply, fresh=False).headers


def test_an_option_that_does_not_exist_is_no_parameter(ask: Ask) -> None:
    with pytest.raises(TypeError, match="topk"):
        ask(answered, "predict", IMAGE, topk=1)


def test_the_timeout_is_told_to_the_gateway_which_answers_first(ask: Ask) -> None:
    def told(**options: Any) -> int:
        return int(sent(ask, "predict", IMAGE, **options).headers["x-timeout-ms"])

    assert 29_000 < told() <= 30_000
    assert 400 < told(timeout=0.5) <= 500
    assert 1_000 < told(options={"timeout": 2}) <= 2_000
    assert told(timeout=86_400) == 3_600_000
    waits = sent(ask, "predict", IMAGE, timeout=20).extensions["timeout"]
    assert 20 < waits["read"] <= 21
    assert waits["connect"] == 5


def test_the_key_and_headers_go_with_every_call(ask: Ask) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    options = {"api_key": "fk_1", "headers": {"X-Team": "road", "traceparent": "00-old"}}
    request = sent(ask, "predict", IMAGE, options=options, headers={"traceparent": parent})
    assert request.headers["authorization"] == "Bearer fk_1"
    assert (request.headers["x-team"], request.headers["traceparent"]) == ("road", parent)
    assert request.headers["content-type"] == "image/*"


def test_several_images_are_one_form(ask: Ask, tmp_path: Path) -> None:
    file = tmp_path / 'a "b".png'
    file.write_bytes(IMAGE + b"1")
    reply = httpx.Response(200, json={"results": []})
    request = sent(ask, "predict_batch", [file, IMAGE + b"2"], reply=reply, model="signs")
    body = request.read()
    assert request.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert body.count(b'name="file"') == 2
    assert b'filename="a %22b%22.png"' in body
    assert body.index(IMAGE + b"1") < body.index(IMAGE + b"2")
    assert dict(request.url.params) == {"model": "signs"}


def test_a_batch_of_one_is_a_batch_nonetheless(ask: Ask) -> None:
    reply = httpx.Response(200, json={"results": []})
    request = sent(ask, "predict_batch", [IMAGE], reply=reply)
    assert list(json.loads(request.read())) == ["images"]
    assert request.headers["content-type"] == "application/json"


def test_a_batch_of_none_is_a_mistake(ask: Ask) -> None:
    with pytest.raises(ValueError, match="an image at least"):
        ask(answered, "predict_batch", [])


def test_a_picture_is_asked_for_and_given_as_it_comes(ask: Ask) -> None:
    picture = httpx.Response(200, content=b"\x89PNG", headers={"content-type": "image/png"})
    script = Script(picture)
    assert ask(script, "render", IMAGE, model="signs", top_k=1) == b"\x89PNG"
    params = {"model": "signs", "top_k": "1", "render": "true"}
    assert dict(script.requests[0].url.params) == params
    with pytest.raises(UnexpectedAnswer):
        ask(Script(answered()), "render", IMAGE)


@pytest.mark.parametrize(
    ("call", "method", "path"),
    [
        ("model", "GET", "/models/si%2Fgns"),
        ("load", "POST", "/models/si%2Fgns/load"),
        ("unload", "POST", "/models/si%2Fgns/unload"),
    ],
)
def test_a_name_is_a_single_part_of_the_path(ask: Ask, call: str, method: str, path: str) -> None:
    request = sent(ask, call, "si/gns", reply=httpx.Response(200, json=MODEL))
    assert (request.method, request.url.raw_path.decode()) == (method, path)
    for name in ("", ".", ".."):
        with pytest.raises(ValueError, match="no name"):
            ask(answered, call, name)


def test_loading_has_more_time(ask: Ask) -> None:
    reply = httpx.Response(200, json=MODEL)
    assert int(sent(ask, "load", "a", reply=reply).headers["x-timeout-ms"]) > 120_000
    assert int(sent(ask, "load", "a", reply=reply, timeout=1).headers["x-timeout-ms"]) <= 1_000


def test_all_models_are_a_list(ask: Ask) -> None:
    (model,) = ask(Script(httpx.Response(200, json={"models": [MODEL]})), "models")
    assert (model.name, model.versions, model.card, model.labels) == ("signs", ("1",), None, None)


def test_a_gateway_may_live_below_a_path() -> None:
    script = Script(answered())
    with Client("https://host.example/vision/", transport=httpx.MockTransport(script)) as client:
        client.predict(IMAGE)
    assert str(script.requests[0].url) == "https://host.example/vision/predict"


def test_an_answer_that_is_no_json_is_not_the_gateway_s(ask: Ask) -> None:
    page = httpx.Response(200, html="<p>welcome</p>")
    with pytest.raises(UnexpectedAnswer, match="text/html"):
        ask(Script(page), "predict", IMAGE)


@pytest.mark.parametrize(
    "options",
    [
        {"url": "localhost:8080"},
        {"url": "ftp://localhost"},
        {"url": "http://"},
        {"timeout": 0},
        {"timeout": float("inf")},
        {"retries": -1},
        {"longest_wait": -1},
        {"api_key": ""},
        {"api_key": "secret\n"},
    ],
)
def test_options_that_make_no_sense_are_refused_without_the_key(options: dict) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - every message is looked at
        Client(**options)
    assert "secret" not in str(caught.value)


def test_a_call_s_timeout_must_make_sense(ask: Ask) -> None:
    with pytest.raises(ValueError, match="timeout is 0"):
        ask(answered, "predict", IMAGE, timeout=0)


def test_the_key_is_not_shown() -> None:
    with Client(api_key="secret") as client:
        assert repr(client) == "fovea.Client('http://127.0.0.1:8080')"


def test_an_image_may_be_a_path_bytes_or_an_open_file(ask: Ask, tmp_path: Path) -> None:
    file = tmp_path / "photo"
    file.write_bytes(IMAGE)
    with file.open("rb") as opened:
        forms = [file, str(file), opened, io.BytesIO(IMAGE), bytearray(IMAGE), memoryview(IMAGE)]
        bodies = {sent(ask, "predict", form).read() for form in forms}
    assert bodies == {IMAGE}


@pytest.mark.parametrize("image", [io.StringIO("text"), 7, None, ["a"]])
def test_what_is_no_image_is_not_sent(ask: Ask, image: object) -> None:
    script = Script(answered())
    with pytest.raises(TypeError, match="binary mode"):
        ask(script, "predict", image)
    assert not script.requests


def test_a_missing_file_is_the_system_s_error(ask: Ask, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        ask(answered, "predict", tmp_path / "none.jpg")


def test_the_answer_is_read(ask: Ask) -> None:
    told = ask(Script(answered()), "predict", IMAGE)
    assert (told.model, told.image.height) == (ANSWER["model"], 48)
