"""Training: it learns, it repeats itself, and it keeps the best epoch."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

import zoo
from zoo import weights
from zoo.card import Data
from zoo.evaluate import evaluate, logits
from zoo.fit import Run
from zoo.signs.dataset import Split, load
from zoo.signs.publish import publish
from zoo.train import Batches, Schedule, train

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


def test_the_rate_rises_then_falls_to_zero() -> None:
    schedule = Schedule(epochs=10, warmup_epochs=2.0)
    assert schedule.rate(0.1) == pytest.approx(0.5)
    assert schedule.rate(0.2) == pytest.approx(1.0)
    assert schedule.rate(0.6) == pytest.approx(0.5)
    assert schedule.rate(1.0) == pytest.approx(0.0)


def test_published_weights_score_what_their_card_says(tmp_path: Path) -> None:
    sizes = Data(task="rendered road-sign crops", seed=3, train=24, validation=12, test=12)
    card = publish("mbv2_simam", replace(SCHEDULE, epochs=2), sizes, folder=tmp_path)
    network = zoo.create(card.name, num_classes=card.num_classes, image_size=card.image_size)
    network.load_state_dict(weights.load(card.name, tmp_path))
    scores = evaluate(network, load(Split.TEST, 12, seed=3))
    assert weights.read_card(card.name, tmp_path) == card
    assert scores.accuracy == card.test_accuracy
    assert scores.per_class == tuple(card.test_accuracy_per_class.values())
