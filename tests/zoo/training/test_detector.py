"""Training a detector: it learns, it repeats itself, and its card says what was measured."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import zoo
from zoo import weights
from zoo.cards.detector import DetectorCard
from zoo.data.signs import SCENES, draw_scenes
from zoo.detectors import Detector
from zoo.evaluation.coco import figures
from zoo.evaluation.detector import detect, evaluate_detector
from zoo.schedules import DetectorSchedule
from zoo.signs.dataset import Split
from zoo.signs.scenes import LABELS, SIDE, Scene, load
from zoo.training.detector import SceneBatches, train_detector
from zoo.training.epochs import Run
from zoo.training.job import Job
from zoo.training.publish_detector import publish_detector
from zoo.training.start import take_over_backbone

NAME = "retinanet_mbv2_simam"
SCHEDULE = DetectorSchedule(epochs=3)


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return load(Split.TRAIN, 8)


def detector() -> Detector:
    torch.manual_seed(0)
    return zoo.create(NAME, num_classes=len(LABELS), image_size=SIDE)


def trained(scenes: list[Scene], schedule: DetectorSchedule) -> tuple[Detector, Run]:
    model = detector()
    take_over_backbone(model, "mbv2_simam", weights.FOLDER)
    return model, train_detector(model, scenes, scenes[:4], schedule)


def test_training_lowers_the_loss(scenes: list[Scene]) -> None:
    _, run = trained(scenes, SCHEDULE)
    assert run.epochs[-1].loss < 0.8 * run.epochs[0].loss


def test_the_same_seed_gives_the_same_figures(scenes: list[Scene]) -> None:
    schedule = replace(SCHEDULE, epochs=1)
    (one, first), (two, second) = (trained(scenes, schedule) for _ in range(2))
    assert first == second
    for name, value in one.state_dict().items():
        assert torch.equal(value, two.state_dict()[name])


def test_the_best_epoch_is_what_remains(scenes: list[Scene]) -> None:
    model, run = trained(scenes, replace(SCHEDULE, epochs=2))
    scores = [epoch.score for epoch in run.epochs]
    assert run.best == scores.index(max(scores))
    assert evaluate_detector(model, scenes[:4]).ap.value == scores[run.best]


def test_a_pass_shows_every_scene_once_with_its_own_target(scenes: list[Scene]) -> None:
    batches = SceneBatches(scenes, replace(SCHEDULE, batch_size=3))
    shown = [pair for images, targets in batches for pair in zip(images, targets, strict=True)]
    by_content = {scene.pixels().tobytes(): scene for scene in scenes}
    assert len(batches) == 3
    assert len(shown) == len(by_content) == len(scenes)
    for image, target in shown:
        scene = by_content.pop(image.numpy().tobytes())
        assert target.boxes.tolist() == scene.boxes.tolist()
        assert target.labels.tolist() == scene.labels.tolist()
        assert target.masks is None


def test_masks_reach_the_target() -> None:
    scenes = load(Split.TRAIN, 2, with_masks=True)
    for _, targets in SceneBatches(scenes, SCHEDULE):
        wanted = [scene.masks.shape for scene in scenes]
        assert sorted(target.masks.shape for target in targets) == sorted(wanted)


def test_a_scene_is_judged_alone(scenes: list[Scene]) -> None:
    model = detector()
    together = detect(model, scenes)
    for scene, one in zip(scenes, together, strict=True):
        (alone,) = detect(model, [scene])
        assert len(one.scores) == len(alone.scores)
        torch.testing.assert_close(torch.tensor(alone.scores), torch.tensor(one.scores))


def test_the_backbone_starts_as_the_classifier_ended() -> None:
    model = detector()
    take_over_backbone(model, "mbv2_simam", weights.FOLDER)
    state = weights.load("mbv2_simam")
    for name, value in model.backbone.body.state_dict().items():
        assert torch.equal(value, state[f"features.{name}"])


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[DetectorCard, Path]:
    """A detector that has seen eight scenes, beside the classifier it started from."""
    folder = tmp_path_factory.mktemp("weights")
    for file in weights.FOLDER.glob("mbv2_simam.*"):
        shutil.copy(file, folder)
    data = replace(SCENES, seed=3, train=8, validation=4, test=6)
    job = Job(network=NAME, name=NAME, folder=folder)
    return publish_detector(job, replace(SCHEDULE, epochs=1), draw_scenes(data)), folder


def test_published_weights_score_what_their_card_says(
    published: tuple[DetectorCard, Path],
) -> None:
    card, folder = published
    assert weights.read_trained_card(NAME, folder) == card
    assert card.backbone_from == "mbv2_simam"
    model = detector()
    model.load_state_dict(weights.load(NAME, folder))
    assert evaluate_detector(model, load(Split.TEST, 6, seed=3)) == card.test_precision


def test_the_card_says_everything_to_people_and_to_the_gateway(
    published: tuple[DetectorCard, Path],
) -> None:
    card, folder = published
    page = (folder / f"{NAME}.md").read_text()
    for part in ("8 train", "weights of `mbv2_simam`", "160×160", "no_parking_sign"):
        assert part in page
    summary = card.summary()
    assert summary.metrics["test_ap50"] == card.test_precision.ap50
    assert set(summary.metrics) == {f"test_{name}" for name, _ in figures(card.test_precision)}


def test_without_a_classifier_the_backbone_is_fresh(tmp_path: Path) -> None:
    data = replace(SCENES, train=4, validation=4, test=4)
    job = Job(network=NAME, name=NAME, folder=tmp_path)
    card = publish_detector(job, replace(SCHEDULE, epochs=1), draw_scenes(data))
    assert card.backbone_from is None
    assert "fresh weights" in (tmp_path / f"{NAME}.md").read_text()
