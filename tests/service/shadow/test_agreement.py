"""How alike two answers are, by hand-made pairs whose likeness is known."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from service.shadow.agreement import agreement
from service.values import Label
from tests.service.shadow.answers import classified, detected

SQUARE = (0, 0, 10, 10)


def test_equal_answers_agree_in_everything() -> None:
    one = classified(("left", 0.7), ("right", 0.3))
    found = agreement(one, one)
    assert (found.agrees, found.share, found.distance) == (True, 1.0, 0.0)
    assert (found.iou, found.missed, found.extra) == (None, None, None)


def test_the_distance_is_the_most_that_any_events_probability_differs() -> None:
    one = {"left": 0.6, "right": 0.3, "up": 0.1}
    other = {"right": 0.5, "left": 0.2, "down": 0.3}  # other labels, in another order
    names = sorted(one.keys() | other.keys())
    events = [picked for size in range(5) for picked in combinations(names, size)]
    most = max(
        abs(sum(one.get(name, 0) - other.get(name, 0) for name in event)) for event in events
    )
    found = agreement(classified(*one.items()), classified(*other.items()))
    assert found.distance == pytest.approx(most)
    assert not found.agrees


def test_labels_are_told_apart_by_name_whatever_their_ids() -> None:
    one = classified(("left", 0.7), ("right", 0.3))
    labels = tuple(replace(label, class_id=9 - label.class_id) for label in one.findings.labels)
    other = replace(one, findings=replace(one.findings, labels=labels))
    assert agreement(one, other) == agreement(one, one)
    renamed = tuple(
        Label(name, label.class_id, label.score) for name, label in zip("ab", labels, strict=True)
    )
    assert (
        agreement(one, replace(one, findings=replace(one.findings, labels=renamed))).distance == 1
    )


def test_an_answer_cut_by_top_k_has_a_best_label_and_no_distance() -> None:
    cut, whole = classified(("left", 0.7)), classified(("left", 0.6), ("right", 0.4))
    assert agreement(cut, whole).agrees
    assert agreement(cut, whole).distance is agreement(whole, cut).distance is None
    assert agreement(classified(("left", 0.9995)), classified(("left", 1.0))).distance is not None


@pytest.mark.parametrize(
    ("other", "matched", "missed", "extra", "iou"),
    [
        ([("a", SQUARE)], 1, 0, 0, 1.0),
        ([("a", (0, 0, 10, 5))], 1, 0, 0, 0.5),
        ([("a", (0, 0, 10, 4.9))], 0, 1, 1, None),
        ([("b", SQUARE)], 0, 1, 1, None),
        ([("a", SQUARE), ("a", SQUARE)], 1, 0, 1, 1.0),
        ([], 0, 1, 0, None),
    ],
)
def test_boxes_match_by_label_and_overlap(other, matched, missed, extra, iou) -> None:
    found = agreement(detected(("a", SQUARE)), detected(*other))
    assert (found.matched, found.missed, found.extra, found.iou) == (matched, missed, extra, iou)
    assert found.agrees == (missed == extra == 0)
    assert found.share == pytest.approx(2 * matched / (1 + len(other)))


def test_of_boxes_that_compete_the_one_that_overlaps_most_is_matched() -> None:
    one = detected(("a", (0, 0, 10, 7)), ("a", SQUARE))
    other = detected(("a", SQUARE))
    assert agreement(one, other).iou == agreement(other, one).iou == 1.0
    assert agreement(one, other).missed == agreement(other, one).extra == 1


def test_overlaps_are_those_of_a_count_of_pixels() -> None:
    rng = np.random.default_rng(7)
    for _ in range(50):
        x1, y1 = rng.integers(0, 4, (2, 2))
        x2, y2 = rng.integers(6, 20, (2, 2))
        grids = np.zeros((2, 20, 20), bool)
        for grid, left, top, right, bottom in zip(grids, x1, y1, x2, y2, strict=True):
            grid[top:bottom, left:right] = True
        expected = np.logical_and(*grids).sum() / np.logical_or(*grids).sum()
        boxes = [("a", (*map(float, edges),)) for edges in zip(x1, y1, x2, y2, strict=True)]
        found = agreement(detected(boxes[0]), detected(boxes[1]))
        assert found.iou == (pytest.approx(expected) if expected >= 0.5 else None)


def test_nothing_found_by_either_is_agreement() -> None:
    found = agreement(detected(), detected())
    assert (found.agrees, found.share, found.matched, found.iou) == (True, 1.0, 0, None)


def test_a_classifier_and_a_detector_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="classification can be compared with a detection"):
        agreement(classified(("a", 1.0)), detected())
