"""COCO's figures of the committed detector through HTTP are those measured in Python."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest

from tests.e2e.stack import serve
from zoo import weights
from zoo.coco import Detections, Precision, evaluate
from zoo.detector_card import figures
from zoo.export import repository, servable
from zoo.signs.dataset import Split
from zoo.signs.scenes import LABELS, Scene, load
from zoo.train_detector import detect, truths

NAME = "retinanet_mbv2_simam"
SCENES = 200  # of the thousand on the card


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return load(Split.TEST, SCENES, weights.read_card(NAME).data.seed)


@pytest.fixture(scope="module")
def detector_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A gateway and a Triton that serve the committed detector alone."""
    folder = tmp_path_factory.mktemp("detector")
    repository.export(servable.trained(NAME), folder / "models")
    with (
        serve(folder / "log", models=NAME, repository=folder / "models") as stack,
        httpx.Client(base_url=stack.url, timeout=30) as client,
    ):
        yield client


def ask(client: httpx.Client, scene: Scene) -> Detections:
    answer = client.post(
        "/predict",
        params={"model": NAME},
        content=scene.jpeg,
        headers={"content-type": "image/jpeg"},
    )
    assert answer.status_code == 200, answer.text
    found = answer.json()["detections"]
    assert all(LABELS[one["class_id"]] == one["label"] for one in found)
    sides = ("x_min", "y_min", "x_max", "y_max")
    boxes = [[one["box"][side] for side in sides] for one in found]
    return Detections(
        np.array(boxes).reshape(-1, 4),
        np.array([one["score"] for one in found]),
        np.array([one["class_id"] for one in found], np.int64),
    )


def measured(scenes: Sequence[Scene], found: Sequence[Detections]) -> Precision:
    return evaluate(truths(scenes), found, resamples=2)


def test_precision_through_http_is_the_precision_in_python(
    detector_client: httpx.Client, scenes: list[Scene]
) -> None:
    """With requests in flight together, so that Triton really batches."""
    with ThreadPoolExecutor(8) as pool:
        served = list(pool.map(lambda scene: ask(detector_client, scene), scenes))
    eager = detect(servable.trained(NAME).served.network, scenes)
    through_http, in_python = measured(scenes, served), measured(scenes, eager)
    for (name, figure), (_, wanted) in zip(figures(through_http), figures(in_python), strict=True):
        # Detections that score alike may change places in float32.
        assert figure.value == pytest.approx(wanted.value, abs=1e-3), name
    card = weights.read_trained_card(NAME).test_precision
    for (name, figure), (_, said) in zip(figures(in_python), figures(card), strict=False):
        assert figure.value == pytest.approx(said.value, abs=0.1), name


def test_each_scene_is_answered_as_in_python(
    detector_client: httpx.Client, scenes: list[Scene]
) -> None:
    scene = next(scene for scene in scenes if len(scene.labels) > 2)
    served = ask(detector_client, scene)
    (eager,) = detect(servable.trained(NAME).served.network, [scene])
    certain = int((eager.scores > 0.5).sum())
    assert certain > 0
    assert served.classes[:certain].tolist() == eager.classes[:certain].tolist()
    np.testing.assert_allclose(served.scores[:certain], eager.scores[:certain], atol=1e-4)
    np.testing.assert_allclose(served.boxes[:certain], eager.boxes[:certain], atol=1e-2)
