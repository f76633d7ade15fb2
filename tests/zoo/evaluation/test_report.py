"""The report of an evaluation, against counts made by hand."""

import numpy as np
import pytest
import torch
from torch import nn

from zoo.evaluation.classifier import wilson
from zoo.evaluation.coco import Detections, Truth
from zoo.evaluation.report import classifier_report, detector_report, lines

# Shown 0 0 0 1 1 2, answered 0 0 1 1 1 0: class 2 is never answered, class 3 never shown.
TRUTH = torch.tensor([0, 0, 0, 1, 1, 2])
ANSWERS = 4.0 * nn.functional.one_hot(torch.tensor([0, 0, 1, 1, 1, 0]), 4).float()
NAMES = ("cat", "dog", "cow", "owl")


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
