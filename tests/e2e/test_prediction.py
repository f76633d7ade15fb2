"""A photograph goes in, and what comes out is what eager PyTorch says of the same pixels."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import skimage
import torch
from PIL import Image

import zoo
from tests.e2e.stack import Stack
from zoo import weights
from zoo.export.wrap import ServedClassifier
from zoo.signs.dataset import LABELS, Sample, Split, render

PHOTOGRAPHS = Path(skimage.__file__).parent / "data"
TOGETHER = 30  # images of a request; the gateway takes 32
Eager = Callable[[np.ndarray], np.ndarray]


@pytest.fixture(scope="session")
def eager() -> Eager:
    """(B, 64, 64, 3) uint8 to (B, 6) probabilities: the committed weights, unscripted."""
    network = zoo.create("mbv2_simam", num_classes=len(LABELS), image_size=64)
    network.load_state_dict(weights.load("mbv2_simam"))
    served = ServedClassifier(network).eval()

    def run(pixels: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return served(torch.from_numpy(pixels))[0].numpy()

    return run


def predict(client: httpx.Client, body: bytes, media_type: str = "image/jpeg") -> httpx.Response:
    return client.post(
        "/predict",
        params={"model": "mbv2_simam"},
        content=body,
        headers={"content-type": media_type},
    )


def scores(answer: httpx.Response) -> np.ndarray:
    """The probabilities in the order of the class ids."""
    assert answer.status_code == 200, answer.text
    return in_order(answer.json()["predictions"])


def in_order(predictions: list[dict[str, Any]]) -> np.ndarray:
    guesses = sorted(predictions, key=lambda guess: guess["class_id"])
    assert [guess["label"] for guess in guesses] == list(LABELS)
    return np.array([guess["score"] for guess in guesses])


@pytest.mark.parametrize("name", ["rocket.jpg", "retina.jpg", "hubble_deep_field.jpg"])
def test_a_photograph_is_scored_as_eager_pytorch_scores_it(
    client: httpx.Client, eager: Eager, name: str
) -> None:
    body = (PHOTOGRAPHS / name).read_bytes()
    image = Image.open(BytesIO(body)).convert("RGB")
    small = np.array(image.resize((64, 64), Image.Resampling.BILINEAR))
    answer = predict(client, body)
    np.testing.assert_allclose(scores(answer), eager(small[None])[0], atol=1e-5)
    assert answer.json()["image"] == {"width": image.width, "height": image.height}


def test_the_answer_has_the_documented_form(client: httpx.Client) -> None:
    answer = predict(client, (PHOTOGRAPHS / "rocket.jpg").read_bytes())
    document = answer.json()
    assert (document["model"], document["version"]) == ("mbv2_simam", "1")
    assert document["task"] == "classification"
    best = [guess["score"] for guess in document["predictions"]]
    assert best == sorted(best, reverse=True)
    assert sum(best) == pytest.approx(1, abs=1e-5)
    stages = {"read", "decode", "preprocess", "infer", "postprocess", "total"}
    assert set(document["timings_ms"]) >= stages
    assert all(milliseconds >= 0 for milliseconds in document["timings_ms"].values())
    assert "infer;dur=" in answer.headers["server-timing"]
    assert document["request_id"] == answer.headers["x-request-id"]


def test_multipart_and_raw_bodies_give_one_answer(client: httpx.Client) -> None:
    body = (PHOTOGRAPHS / "rocket.jpg").read_bytes()
    form = client.post(
        "/predict",
        params={"model": "mbv2_simam"},
        files={"file": ("rocket.jpg", body, "image/jpeg")},
    )
    np.testing.assert_array_equal(scores(form), scores(predict(client, body)))


@pytest.fixture(scope="module")
def samples() -> Sequence[Sample]:
    """The whole test split of the card."""
    data = weights.read_card("mbv2_simam").data
    return [render(Split.TEST, index, data.seed) for index in range(data.test)]


def test_accuracy_through_http_is_the_accuracy_in_python(
    client: httpx.Client, eager: Eager, samples: Sequence[Sample]
) -> None:
    """Image by image, many a request and all of them questions of their own to Triton."""
    parts = [samples[first : first + TOGETHER] for first in range(0, len(samples), TOGETHER)]
    with ThreadPoolExecutor(2) as pool:
        served = np.concatenate(list(pool.map(lambda part: scores_of(client, part), parts)))
    expected = np.concatenate(
        [eager(np.stack([sample.pixels() for sample in part])) for part in parts]
    )
    np.testing.assert_allclose(served, expected, atol=1e-5)
    truth = np.array([sample.label for sample in samples])
    accuracy = float((served.argmax(1) == truth).mean())
    assert accuracy == float((expected.argmax(1) == truth).mean())
    card = weights.read_card("mbv2_simam").test_accuracy
    # Two images of leeway: another processor may round a tie the other way.
    assert accuracy == pytest.approx(card.value, abs=2 / len(samples))


def scores_of(client: httpx.Client, samples: Sequence[Sample]) -> np.ndarray:
    """(B, 6) probabilities of the images of one request."""
    files = [("file", ("crop.jpg", sample.jpeg, "image/jpeg")) for sample in samples]
    answer = client.post("/predict", params={"model": "mbv2_simam"}, files=files)
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert [one["status"] for one in results] == [200] * len(samples)
    return np.stack([in_order(one["answer"]["predictions"]) for one in results])


def test_requests_in_flight_together_share_a_batch(
    stack: Stack, client: httpx.Client, samples: Sequence[Sample]
) -> None:
    before = executions(stack)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda sample: predict(client, sample.jpeg), samples[:160]))
    assert 0 < executions(stack) - before < 160


def executions(stack: Stack) -> int:
    """Batches that Triton has run for the model, from its own statistics."""
    url = f"http://127.0.0.1:{stack.triton_port('http')}/v2/models/mbv2_simam/stats"
    return int(httpx.get(url).json()["model_stats"][0]["execution_count"])
