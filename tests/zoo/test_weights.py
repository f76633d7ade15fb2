"""Weights and their card: they come back as they went, and never without each other."""

from functools import cache
from pathlib import Path

import pytest
import torch
from torch.utils.data import TensorDataset

import zoo
from tests.thorough import some
from tests.zoo.cards.tiny import card_of
from zoo import weights
from zoo.cards import kinds
from zoo.cards.classifier import ModelCard
from zoo.cards.detector import DetectorCard
from zoo.classifiers import create
from zoo.detectors import create_detector
from zoo.evaluation.classifier import evaluate
from zoo.evaluation.detector import evaluate_detector
from zoo.networks import is_detector
from zoo.signs import scenes
from zoo.signs.dataset import LABELS, Split, load
from zoo.storage import serialise
from zoo.weights import WeightsError

STATE = {
    "weight": torch.linspace(-1, 1, 12).view(3, 4),
    "count": torch.tensor(7),
    "turned": torch.arange(6.0).view(2, 3).T,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    weights.save(serialise(STATE), card_of(STATE), tmp_path)
    return tmp_path


def test_weights_come_back_bit_by_bit(folder: Path) -> None:
    loaded = weights.load("tiny_none", folder)
    assert loaded.keys() == STATE.keys()
    assert all(torch.equal(loaded[name], STATE[name]) for name in STATE)
    assert all(loaded[name].dtype == STATE[name].dtype for name in STATE)


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


COMMITTED = sorted(path.stem for path in weights.FOLDER.glob("*.json"))
CLASSIFIERS = [name for name in COMMITTED if not is_detector(name)]
DETECTORS = [name for name in COMMITTED if is_detector(name)]
EXAMINED = 300  # images; the 95 % interval around what they show is as wide as they are few


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
    assert text == kinds.to_markdown(weights.read_card(name))


@cache
def part_of_the_test_split(seed: int) -> TensorDataset:
    """The first images, drawn once for all networks."""
    return load(Split.TEST, EXAMINED, seed)


@pytest.mark.parametrize(
    "name", some(CLASSIFIERS, "mbv2_none", "mbv2_simam", "mbv2_gam", "mbv2_ulsam", "mbv2_danet")
)
def test_committed_weights_score_what_their_card_says_on_part_of_the_test_split(name: str) -> None:
    card = weights.read_card(name)
    assert isinstance(card, ModelCard)
    network = create(name, num_classes=card.num_classes, image_size=card.image_size)
    network.load_state_dict(weights.load(name))
    scores = evaluate(network, part_of_the_test_split(card.data.seed))
    assert scores.accuracy.low <= card.test_accuracy.value <= scores.accuracy.high


@pytest.mark.parametrize("name", DETECTORS)
def test_committed_detectors_score_what_their_card_says_on_part_of_the_scenes(name: str) -> None:
    card = weights.read_card(name)
    assert isinstance(card, DetectorCard)
    detector = create_detector(name, num_classes=card.num_classes, image_size=card.image_size)
    detector.load_state_dict(weights.load(name))
    measured = evaluate_detector(detector, scenes.load(Split.TEST, 80, card.data.seed))
    assert measured.ap.low <= card.test_precision.ap.value <= measured.ap.high
