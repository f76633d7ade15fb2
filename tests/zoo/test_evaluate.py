"""Accuracy, its interval and the report, against counts made by hand and published values."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from zoo import weights
from zoo.__main__ import main
from zoo.coco import Detections, Truth
from zoo.evaluate import confusion, evaluate, wilson
from zoo.report import classifier_report, detector_report, lines


class Brightest(nn.Module):
    """Answers with the strongest channel: red is class 0, green 1, blue 2."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, images: Tensor) -> Tensor:
        return images.mean(dim=(2, 3)) * self.scale


def colours(*channels: int) -> Tensor:
    """One 4×4 image a channel, bright in that channel alone."""
    images = torch.zeros(len(channels), 4, 4, 3, dtype=torch.uint8)
    for image, channel in zip(images, channels, strict=True):
        image[..., channel] = 255
    return images


def test_accuracy_counts_right_answers_overall_and_by_class() -> None:
    dataset = TensorDataset(colours(0, 0, 1, 2, 2), torch.tensor([0, 1, 1, 1, 2]))
    scores = evaluate(Brightest(), dataset)
    assert (scores.samples, scores.accuracy.value) == (5, 3 / 5)
    assert [figure.value for figure in scores.per_class] == [1.0, 1 / 3, 1.0]


def test_evaluation_does_not_depend_on_training_mode() -> None:
    model = nn.Sequential(nn.Dropout(0.9), Brightest()).train()
    dataset = TensorDataset(colours(*[0, 1, 2] * 20), torch.tensor([0, 1, 2] * 20))
    assert evaluate(model, dataset).accuracy.value == 1.0


@pytest.mark.parametrize(  # Newcombe, Statistics in Medicine 17 (1998), table I, method 3
    ("successes", "trials", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)],
)
def test_wilson_gives_the_published_intervals(
    successes: int, trials: int, low: float, high: float
) -> None:
    figure = wilson(successes, trials)
    assert (figure.low, figure.high) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_its_value_inside_zero_and_one(counts: tuple[int, int]) -> None:
    figure = wilson(*counts)
    assert 0.0 <= figure.low <= figure.value <= figure.high <= 1.0
    assert figure.low < figure.high


def test_without_trials_nothing_is_known() -> None:
    figure = wilson(0, 0)
    assert (figure.low, figure.high) == (0.0, 1.0)


# Shown 0 0 0 1 1 2, answered 0 0 1 1 1 0: class 2 is never answered, class 3 never shown.
TRUTH = torch.tensor([0, 0, 0, 1, 1, 2])
ANSWERS = 4.0 * nn.functional.one_hot(torch.tensor([0, 0, 1, 1, 1, 0]), 4).float()
NAMES = ("cat", "dog", "cow", "owl")


def test_rows_of_the_confusion_matrix_are_what_was_shown() -> None:
    assert confusion(ANSWERS, TRUTH).tolist() == [
        [2, 1, 0, 0],
        [0, 2, 0, 0],
        [1, 0, 0, 0],
        [0, 0, 0, 0],
    ]


def test_recall_is_of_a_row_and_precision_of_a_column() -> None:
    found = classifier_report(ANSWERS, TRUTH, NAMES)
    assert found.accuracy == wilson(4, 6)
    cat, dog, cow, owl = found.classes
    assert (cat.images, cat.recall, cat.precision) == (3, wilson(2, 3), wilson(2, 3))
    assert (dog.images, dog.recall, dog.precision) == (2, wilson(2, 2), wilson(2, 3))
    assert (cow.images, cow.recall, cow.precision) == (1, wilson(0, 1), None)
    assert (owl.images, owl.recall, owl.precision) == (0, None, None)


def test_the_table_shows_what_is_not_known_as_a_dash() -> None:
    text = list(lines(classifier_report(ANSWERS, TRUTH, NAMES), {"all": wilson(4, 6)}))
    assert text[4].split() == ["owl", "0", "–", "–"]
    assert text[-1].endswith("66.67% (30.00%–90.32%); the card says 66.67% (30.00%–90.32%)")


def test_a_detector_has_a_figure_for_every_class_that_is_there() -> None:
    square = np.array([[10.0, 10.0, 50.0, 50.0]])
    nothing = np.empty((0, 4)), np.empty(0), np.empty(0, np.int64)
    truths = [Truth(square, np.array([0])), Truth(square, np.array([2]))]
    found = [Detections(square, np.array([0.9]), np.array([0])), Detections(*nothing)]
    report = detector_report(truths, found, ("cat", "dog", "cow"))
    assert [one.objects for one in report.classes] == [1, 0, 1]
    assert [one.ap for one in report.classes] == [pytest.approx(1.0), None, 0.0]
    assert report.precision.ap.value == pytest.approx(0.5)


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
