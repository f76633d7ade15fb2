"""Weights and their card: they come back as they went, and never without each other."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

import zoo
from contract.recipe import Figure
from zoo import weights
from zoo.card import Data, ModelCard, from_json, to_json, to_markdown
from zoo.classifiers import create
from zoo.detector_card import DetectorCard
from zoo.detectors import create_detector
from zoo.evaluate import evaluate
from zoo.networks import is_detector
from zoo.signs import scenes
from zoo.signs.dataset import LABELS, Split, load
from zoo.train import Schedule
from zoo.train_detector import evaluate_detector
from zoo.weights import WeightsError

STATE = {
    "weight": torch.linspace(-1, 1, 12).view(3, 4),
    "count": torch.tensor(7),
    "turned": torch.arange(6.0).view(2, 3).T,
}
HALF = Figure(value=0.5, low=0.25, high=0.75)


def card_of(state: dict[str, Tensor]) -> ModelCard:
    return ModelCard(
        name="tiny_none",
        network="tiny_none",
        architecture="Tiny",
        attention="none",
        num_classes=2,
        image_size=8,
        labels=("cat", "dog"),
        parameters=12,
        data=Data(task="two colours", seed=5, train=40, validation=20, test=10),
        schedule=Schedule(epochs=3),
        best_epoch=2,
        validation_accuracy=HALF,
        test_accuracy=HALF,
        test_accuracy_per_class={"cat": HALF, "dog": HALF},
        trained_on="2026-01-31",
        versions={"torch": "2.13.0"},
        weights_sha256=weights.fingerprint(weights.serialise(state)),
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    weights.save(weights.serialise(STATE), card_of(STATE), tmp_path)
    return tmp_path


def test_weights_come_back_bit_by_bit(folder: Path) -> None:
    loaded = weights.load("tiny_none", folder)
    assert loaded.keys() == STATE.keys()
    assert all(torch.equal(loaded[name], STATE[name]) for name in STATE)
    assert all(loaded[name].dtype == STATE[name].dtype for name in STATE)


def test_half_storage_comes_back_as_float32_and_as_near_as_float16_can(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = create("mbv2_simam", num_classes=6, image_size=64)
    state = network.state_dict()
    content = weights.serialise(weights.halved(state))
    card = replace(card_of(state), weights_sha256=weights.fingerprint(content))
    weights.save(content, card, tmp_path)
    loaded = weights.load("tiny_none", tmp_path)
    assert loaded.keys() == state.keys()
    assert all(loaded[name].dtype == state[name].dtype for name in state)
    for name, value in state.items():
        if value.is_floating_point():
            nearness = value.abs().max().item() * 2.0**-11
            torch.testing.assert_close(loaded[name], value, rtol=0, atol=nearness)
    assert len(content) < 0.53 * len(weights.serialise(state))
    network.load_state_dict(loaded)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("features.0.1.running_mean", torch.tensor([0.1])),
        ("features.0.1.running_var", torch.tensor([0.1])),
        ("overflows", torch.tensor([1.0, 70000.0])),
        ("vanishes", torch.tensor([1e-9, 3e-9])),
        ("features.0.1.num_batches_tracked", torch.tensor(7)),
    ],
)
def test_what_float16_cannot_hold_and_statistics_stay_as_they_are(name: str, value: Tensor) -> None:
    kept = weights.halved({name: value})[name]
    assert kept.dtype == value.dtype
    assert torch.equal(kept, value)


def test_small_values_beside_large_ones_are_halved() -> None:
    state = {"weight": torch.tensor([1.0, 1e-9, -0.3])}
    assert weights.halved(state)["weight"].dtype is torch.float16


def test_a_changed_byte_is_refused(folder: Path) -> None:
    path = folder / "tiny_none.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"tiny_none\.safetensors has SHA-256 .*train"):
        weights.load("tiny_none", folder)


def test_weights_of_another_card_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="its card says"):
        weights.save(b"something else", card_of(STATE), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", ["json", "safetensors"])
def test_a_missing_half_is_named(folder: Path, suffix: str) -> None:
    (folder / f"tiny_none.{suffix}").unlink()
    with pytest.raises(WeightsError, match=rf"tiny_none\.{suffix} is missing"):
        weights.load("tiny_none", folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"name": "tiny_none"}'])
def test_a_broken_card_is_refused(folder: Path, text: str) -> None:
    (folder / "tiny_none.json").write_text(text)
    with pytest.raises(WeightsError, match="no model card"):
        weights.read_card("tiny_none", folder)


def test_a_card_survives_json() -> None:
    card = card_of(STATE)
    assert from_json(to_json(card)) == card


def test_the_gateway_gets_the_figures_that_matter() -> None:
    summary = card_of(STATE).summary()
    assert summary.metrics == {"test_accuracy": HALF}
    assert summary.data == "two colours, seed 5: 40 train, 20 validation, 10 test images"
    assert summary.epochs == 3


def test_the_card_for_people_names_results_and_limits() -> None:
    text = to_markdown(card_of(STATE))
    assert "**50.0% (25.0%–75.0%)** over 10 images" in text
    assert "| 1 | `dog` | 50.0% (25.0%–75.0%) |" in text
    assert "Not for driving" in text


COMMITTED = sorted(path.stem for path in weights.FOLDER.glob("*.json"))
CLASSIFIERS = [name for name in COMMITTED if not is_detector(name)]
DETECTORS = [name for name in COMMITTED if is_detector(name)]


@pytest.mark.parametrize("name", COMMITTED)
def test_committed_weights_fit_their_network_and_their_labels(name: str) -> None:
    card = weights.read_card(name)
    network = zoo.create(name, num_classes=card.num_classes, image_size=card.image_size)
    network.load_state_dict(weights.load(name))
    assert card.labels == (scenes.LABELS if is_detector(name) else LABELS)
    assert card.parameters == sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize("name", COMMITTED)
def test_committed_cards_for_people_are_those_of_the_machine(name: str) -> None:
    text = (weights.FOLDER / f"{name}.md").read_text()
    assert text == weights.markdown(weights.read_card(name))


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_committed_weights_score_what_their_card_says_on_part_of_the_test_split(name: str) -> None:
    card = weights.read_card(name)
    assert isinstance(card, ModelCard)
    network = create(name, num_classes=card.num_classes, image_size=card.image_size)
    network.load_state_dict(weights.load(name))
    scores = evaluate(network, load(Split.TEST, 600, card.data.seed))
    assert scores.accuracy.low <= card.test_accuracy.value <= scores.accuracy.high


@pytest.mark.parametrize("name", DETECTORS)
def test_committed_detectors_score_what_their_card_says_on_part_of_the_scenes(name: str) -> None:
    card = weights.read_card(name)
    assert isinstance(card, DetectorCard)
    detector = create_detector(name, num_classes=card.num_classes, image_size=card.image_size)
    detector.load_state_dict(weights.load(name))
    measured = evaluate_detector(detector, scenes.load(Split.TEST, 80, card.data.seed))
    assert measured.ap.low <= card.test_precision.ap.value <= measured.ap.high
