"""The command line with detectors: the same commands, other data and other figures."""

import json
from pathlib import Path

import pytest
from PIL import Image

from zoo.__main__ import main

NAME = "retinanet_mbv2_none"
TINY = ["--epochs", "1", "--images", "4", "--validation-images", "4", "--test-images", "6"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with weights of a detector that has seen four scenes."""
    folder = tmp_path_factory.mktemp("weights")
    assert main(["train", NAME, *TINY, "--weights", str(folder), "--run", str(folder / "run")]) == 0
    return folder


def test_the_card_has_what_was_asked_for_and_what_was_not(trained: Path) -> None:
    card = json.loads((trained / f"{NAME}.json").read_text())
    assert card["data"]["task"] == "rendered road-sign scenes"
    assert (card["data"]["train"], card["data"]["test"]) == (4, 6)
    assert (card["schedule"]["epochs"], card["schedule"]["batch_size"]) == (1, 4)


def test_evaluate_measures_what_the_card_says(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", NAME, "--weights", str(trained)]) == 0
    lines = capsys.readouterr().out.splitlines()
    lines = [line for line in lines if line.startswith("ap")]  # above them is a line a class
    assert [line.split()[0] for line in lines[:3]] == ["ap", "ap50", "ap75"]
    for line in lines:
        measured, said = line.split("; the card says ")
        assert measured.split(maxsplit=1)[1] == said


def test_scenes_are_drawn_with_the_boxes_that_are_there_or_were_found(
    trained: Path, tmp_path: Path
) -> None:
    there, found = tmp_path / "there.png", tmp_path / "found.jpg"
    assert main(["preview", "--scenes", str(there)]) == 0
    assert main(["preview", "--found-by", NAME, "--weights", str(trained), str(found)]) == 0
    with Image.open(there) as one, Image.open(found) as two:
        assert one.size == two.size


def test_a_classifier_finds_no_boxes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["preview", "--found-by", "mbv2_simam", str(tmp_path / "sheet.png")]) == 2
    assert "mbv2_simam is no detector" in capsys.readouterr().err
