"""A user's own folder, by the command line alone: train, then evaluate and export."""

import json
from pathlib import Path

import pytest

from tests.zoo.data.folders import write_classes, write_coco
from zoo import weights
from zoo.__main__ import main
from zoo.cards.classifier import ModelCard
from zoo.cards.detector import DetectorCard


@pytest.fixture
def places(tmp_path: Path) -> list[str]:
    """Options that keep everything below the temporary folder."""
    return ["--weights", str(tmp_path / "weights"), "--run", str(tmp_path / "run")]


def test_a_folder_of_photographs_becomes_a_served_classifier(
    tmp_path: Path, places: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    write_classes(tmp_path / "colours", ["red", "green", "blue"], 14)
    training = ["train", "mbv2_simam", "--data", str(tmp_path / "colours"), "--name", "colours"]
    short = ["--image-size", "32", "--epochs", "2", "--batch-size", "8"]
    assert main([*training, *short, *places]) == 0
    card = weights.read_card("colours", tmp_path / "weights")
    assert isinstance(card, ModelCard)
    assert (card.network, card.labels) == ("mbv2_simam", ("blue", "green", "red"))
    assert (card.data.train, card.data.validation, card.data.test) == (30, 6, 6)
    assert card.data.sha256
    assert card.summary().data.startswith("image folder colours, seed 0: 30 train")

    figures, where = tmp_path / "figures.json", ["--weights", str(tmp_path / "weights")]
    measuring = ["evaluate", "colours", "--data", str(tmp_path / "colours")]
    assert main([*measuring, "--json", str(figures), *where]) == 0
    said = capsys.readouterr().out
    assert f"the card says {card.test_accuracy.value:.2%}" in said
    assert json.loads(figures.read_text())["accuracy"]["value"] == card.test_accuracy.value

    assert main(["export", "colours", "--repository", str(tmp_path / "models"), *where]) == 0
    recipe = (tmp_path / "models" / "colours" / "config.pbtxt").read_text()
    assert str(card.data.sha256) in recipe


def test_a_detector_learns_a_coco_folder(tmp_path: Path, places: list[str]) -> None:
    write_coco(tmp_path / "pets", 8)
    training = ["train", "retinanet_mbv2_none", "--data", str(tmp_path / "pets"), "--name", "pets"]
    assert main([*training, "--image-size", "64", "--epochs", "1", *places]) == 0
    card = weights.read_card("pets", tmp_path / "weights")
    assert isinstance(card, DetectorCard)
    assert card.labels == ("dog", "cat")
    assert card.test_precision.images == card.data.test == 1


def test_a_mistake_in_the_data_is_one_line(
    tmp_path: Path, places: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    write_classes(tmp_path / "colours", ["red", "blue"], 5)
    (tmp_path / "colours" / "red" / "bad.jpg").write_text("not an image")
    training = ["train", "mbv2_simam", "--data", str(tmp_path / "colours"), "--name", "colours"]
    assert main([*training, *places]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert "zoo: " in said
    assert "bad.jpg: the file is no image" in said
    assert not (tmp_path / "weights").exists()
