"""The command that measures weights again: on own data, with its files, and how it says no."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo import weights
from zoo.__main__ import main


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of red and green images, and weights that were trained on them."""
    root = tmp_path_factory.mktemp("own")
    rng = np.random.default_rng(0)
    for label, channel in (("green", 1), ("red", 0)):
        (root / "colours" / label).mkdir(parents=True)
        for number in range(10):
            pixels = rng.integers(0, 60, (40, 40, 3), np.uint8)
            pixels[..., channel] += 150
            Image.fromarray(pixels).save(root / "colours" / label / f"{number}.png")
    options = ["--epochs", "1", "--image-size", "32", "--run", str(root / "run")]
    data = ["--data", str(root / "colours"), "--name", "colours", "--weights", str(root / "w")]
    assert main(["train", "mbv2_none", *data, *options]) == 0
    return root


def test_own_data_is_evaluated_on_the_images_that_were_kept_back(
    own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = ["--data", str(own / "colours"), "--weights", str(own / "w")]
    outputs = ["--json", str(own / "report.json"), "--pictures", str(own / "pictures")]
    assert main(["evaluate", "colours", *folder, *outputs]) == 0
    measured, said = capsys.readouterr().out.splitlines()[-1].split("; the card says ")
    assert measured.removeprefix("all").strip() == said
    report = json.loads((own / "report.json").read_text())
    card = weights.read_trained_card("colours", own / "w")
    assert (report["schema"], report["task"], report["split"]) == (1, "classification", "test")
    assert report["weights_sha256"] == card.weights_sha256
    assert report["images"] == sum(map(sum, report["confusion"])) == card.data.test
    assert [row["label"] for row in report["classes"]] == ["green", "red"]
    assert len(report["calibration"]["bins"]) == 15
    for name in ("confusion", "reliability"):
        with Image.open(own / f"pictures/{name}.png") as picture:
            assert min(picture.size) > 300


def test_another_part_is_not_held_against_the_card(
    own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = ["--data", str(own / "colours"), "--weights", str(own / "w")]
    assert main(["evaluate", "colours", "--split", "train", *folder]) == 0
    assert "the card says" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["colours"], "was trained on the image folder colours: name it with --data"),
        (["colours", "--data", "signs"], "the data has the classes red_traffic_light"),
        (["colours", "--data", "/nonexistent"], "/nonexistent"),
    ],
)
def test_data_that_does_not_fit_is_one_line(
    own: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", *arguments, "--weights", str(own / "w")]) == 2
    complaint = capsys.readouterr().err
    assert message in complaint
    assert complaint.count("\n") == 1


def test_pictures_are_of_classifiers(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    detector = ["evaluate", "retinanet_mbv2_simam", "--pictures", str(tmp_path)]
    assert main(detector) == 2
    assert "retinanet_mbv2_simam is a detector" in capsys.readouterr().err
