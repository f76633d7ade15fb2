"""Training: it learns, it repeats itself, and it keeps the best epoch."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

import zoo
from zoo import weights
from zoo.__main__ import main
from zoo.data.description import Data
from zoo.data.signs import draw_crops
from zoo.evaluation.classifier import evaluate, logits
from zoo.schedules import Schedule
from zoo.signs.dataset import Split, load
from zoo.storage import Storage
from zoo.training.batching import batch_count, split
from zoo.training.classifier import Batches, train
from zoo.training.epochs import Run
from zoo.training.job import Job
from zoo.training.publish import publish
from zoo.training.start import take_over

SCHEDULE = Schedule(epochs=6, batch_size=16, warmup_epochs=1.0)


@pytest.fixture(scope="module")
def signs() -> TensorDataset:
    return load(Split.TRAIN, 64)


def small_network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 16, 5, stride=4), nn.BatchNorm2d(16), nn.ReLU(), nn.Flatten(), nn.LazyLinear(6)
    )


def trained(signs: TensorDataset, schedule: Schedule) -> tuple[nn.Module, Run]:
    model = small_network()
    model(torch.zeros(2, 3, 64, 64))
    return model, train(model, signs, signs, schedule)


def test_training_lowers_the_loss(signs: TensorDataset) -> None:
    _, run = trained(signs, SCHEDULE)
    assert run.epochs[-1].loss < 0.7 * run.epochs[0].loss


def test_the_same_seed_gives_the_same_figures(signs: TensorDataset) -> None:
    (one, first), (two, second) = (trained(signs, SCHEDULE) for _ in range(2))
    assert first == second
    assert torch.equal(logits(one, signs.tensors[0]), logits(two, signs.tensors[0]))


def test_another_seed_gives_another_run(signs: TensorDataset) -> None:
    _, first = trained(signs, SCHEDULE)
    _, second = trained(signs, replace(SCHEDULE, seed=1))
    assert first != second


def test_the_best_epoch_is_what_remains(signs: TensorDataset) -> None:
    model, run = trained(signs, SCHEDULE)
    accuracies = [epoch.score for epoch in run.epochs]
    assert run.best == accuracies.index(max(accuracies))
    assert evaluate(model, signs).accuracy.value == accuracies[run.best]


def test_a_pass_shows_every_image_once(signs: TensorDataset) -> None:
    images = torch.arange(64, dtype=torch.uint8).view(64, 1, 1, 1).expand(64, 4, 4, 3)
    batches = Batches(TensorDataset(images, torch.arange(64)), replace(SCHEDULE, shift=0))
    seen = [(batch[:, 0, 0, 0].tolist(), labels.tolist()) for batch, labels in batches]
    assert len(seen) == len(batches) == 4
    assert all(pixels == labels for pixels, labels in seen)
    assert sorted(label for _, labels in seen for label in labels) == list(range(64))


@pytest.mark.parametrize(
    ("images", "size", "wanted"),
    [(9, 4, [4, 5]), (8, 4, [4, 4]), (10, 4, [4, 4, 2]), (1, 4, [1]), (3, 1, [1, 1, 1])],
)
def test_no_image_is_left_alone(images: int, size: int, wanted: list[int]) -> None:
    parts = split(torch.arange(images), size)
    assert [len(part) for part in parts] == wanted
    assert len(parts) == batch_count(images, size)
    assert torch.cat(parts).tolist() == list(range(images))


def test_the_rate_rises_then_falls_to_zero() -> None:
    schedule = Schedule(epochs=10, warmup_epochs=2.0)
    assert schedule.rate(0.1) == pytest.approx(0.5)
    assert schedule.rate(0.2) == pytest.approx(1.0)
    assert schedule.rate(0.6) == pytest.approx(0.5)
    assert schedule.rate(1.0) == pytest.approx(0.0)


@pytest.mark.parametrize("storage", list(Storage))
def test_published_weights_score_what_their_card_says(tmp_path: Path, storage: Storage) -> None:
    sizes = Data(task="rendered road-sign crops", seed=3, train=24, validation=12, test=12)
    job = Job(network="mbv2_simam", name="my_signs", folder=tmp_path, storage=storage)
    card = publish(job, replace(SCHEDULE, epochs=2), draw_crops(sizes))
    network = zoo.create(card.network, num_classes=card.num_classes, image_size=card.image_size)
    network.load_state_dict(weights.load(card.name, tmp_path))
    scores = evaluate(network, load(Split.TEST, 12, seed=3))
    assert weights.read_card(card.name, tmp_path) == card
    assert scores.accuracy == card.test_accuracy
    assert scores.per_class == tuple(card.test_accuracy_per_class.values())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--data", "photos"], "--name: call the weights otherwise; mbv2_none are those"),
        (["--data", "photos", "--name", "mine", "--images", "6"], "a folder is used whole"),
        (["--start", "mbv2_simam", "--images", "6"], "weights of mbv2_simam; mbv2_none cannot"),
    ],
)
def test_what_makes_no_sense_is_refused_before_training(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = ["--validation-images", "6", "--test-images", "6"] if "--start" in options else []
    words = ["train", "mbv2_none", *options, *few, "--run", str(tmp_path / "run")]
    assert main(words) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_weights_of_other_labels_give_their_features_alone(tmp_path: Path) -> None:
    state, card = weights.load("mbv2_simam"), weights.read_card("mbv2_simam")
    for labels in (card.labels, ("a", "b")):
        model = zoo.create("mbv2_simam", num_classes=len(labels), image_size=64)
        fresh = model.state_dict()["classifier.0.weight"].clone()
        take_over(model, card, labels, weights.FOLDER)
        taken = model.state_dict()
        assert torch.equal(taken["features.0.0.weight"], state["features.0.0.weight"])
        wanted = state["classifier.0.weight"] if labels == card.labels else fresh
        assert torch.equal(taken["classifier.0.weight"], wanted)
