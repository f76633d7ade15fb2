"""Models come, change and go under a running stack, and no caller is turned away meanwhile."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import torch

from tests.e2e.stack import Stack, serve
from tests.e2e.test_prediction import PHOTOGRAPHS
from zoo.classifiers import Classifier
from zoo.export import repository, servable
from zoo.signs.dataset import LABELS

PHOTO = (PHOTOGRAPHS / "rocket.jpg").read_bytes()
JPEG = {"content-type": "image/jpeg"}
NAME = "mbv2_simam"


def export(models: Path, name: str, bias: int | None = None) -> None:
    """Fresh weights; ``bias`` is the class that the linear layer prefers above all others."""
    model = servable.untrained(name)
    if bias is not None:
        network = model.served.network
        assert isinstance(network, Classifier)
        with torch.no_grad():
            network.classifier[-1].bias[bias] += 50
    repository.export(model, models)


def best(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return answer.json()["predictions"][0]["label"]


def predict(client: httpx.Client, name: str) -> httpx.Response:
    return client.post("/predict", params={"model": name}, content=PHOTO, headers=JPEG)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    export(folder, NAME, bias=0)
    return folder


@pytest.fixture(scope="module")
def stack(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    log = tmp_path_factory.mktemp("live") / "log"
    with serve(log, NAME, models, FOVEA_MODEL_CONTROL="true") as running:
        yield running


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.url, timeout=60) as session:
        yield session


@contextmanager
def asked_without_pause(stack: Stack, callers: int = 2) -> Iterator[Counter[object]]:
    """What callers who ask all the time get: labels, or statuses other than 200."""
    seen: Counter[object] = Counter()
    over = threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=stack.url, timeout=60) as own:
            while not over.is_set():
                answer = predict(own, NAME)
                seen[best(answer) if answer.status_code == 200 else answer.text] += 1

    threads = [threading.Thread(target=ask) for _ in range(callers)]
    for thread in threads:
        thread.start()
    try:
        stack.wait(lambda: sum(seen.values()) >= 5, 60, "the first answers")
        yield seen
    finally:
        over.set()
        for thread in threads:
            thread.join()


def test_a_fresh_export_is_loaded_asked_and_unloaded(models: Path, client: httpx.Client) -> None:
    name = "mbv2_none"
    assert predict(client, name).status_code == 404
    export(models, name)
    loaded = client.post(f"/models/{name}/load").json()
    assert (loaded["servable"], loaded["untrained"]) == (True, True)
    answer = predict(client, name)
    assert best(answer) in LABELS
    assert answer.json()["untrained"] is True
    assert client.post(f"/models/{name}/unload").json()["servable"] is False
    assert predict(client, name).status_code == 503
    assert client.post(f"/models/{name}/unload").status_code == 409
    assert client.post("/models/nope/load").status_code == 404
    assert client.get("/readyz").status_code == 200


def test_new_weights_take_over_and_no_request_is_lost(
    models: Path, stack: Stack, client: httpx.Client
) -> None:
    with asked_without_pause(stack) as seen:
        assert set(seen) == {LABELS[0]}
        export(models, NAME, bias=1)
        loaded = client.post(f"/models/{NAME}/load")
        assert loaded.status_code == 200
        assert best(predict(client, NAME)) == LABELS[1]
        client.post(f"/models/{NAME}/load")  # nothing is new
        stack.wait(lambda: LABELS[1] in seen, 60, "an answer of the new weights")
    assert set(seen) == {LABELS[0], LABELS[1]}


def test_a_new_version_takes_over_and_no_request_is_lost(
    models: Path, stack: Stack, client: httpx.Client, tmp_path: Path
) -> None:
    before = best(predict(client, NAME))
    export(tmp_path, NAME, bias=2)
    with asked_without_pause(stack) as seen:
        (tmp_path / NAME / "1").rename(models / NAME / "2")
        assert client.post(f"/models/{NAME}/load").json()["versions"] == ["2"]
        answer = predict(client, NAME)
        stack.wait(lambda: LABELS[2] in seen, 60, "an answer of the new version")
    assert (best(answer), answer.json()["version"]) == (LABELS[2], "2")
    assert set(seen) == {before, LABELS[2]}


def test_a_broken_file_is_refused_and_the_old_one_answers(
    models: Path, client: httpx.Client
) -> None:
    before = best(predict(client, NAME))
    broken = models / NAME / "3"
    broken.mkdir()
    (broken / "model.pt").write_bytes(b"no archive")
    refused = client.post(f"/models/{NAME}/load")
    assert refused.status_code == 502
    assert refused.json()["type"] == "urn:fovea:problem:load-failed"
    assert "model.pt is no TorchScript archive" in refused.json()["detail"]
    assert "/" not in refused.json()["detail"]
    assert best(predict(client, NAME)) == before
    (models / NAME / "config.pbtxt").write_text("{")
    refused = client.post(f"/models/{NAME}/load")
    assert (refused.status_code, "config.pbtxt" in refused.text) == (502, True)
    assert best(predict(client, NAME)) == before
