"""The contact sheet: what is there or was found is drawn into the scenes."""

from pathlib import Path

import numpy as np
from PIL import Image

from zoo.evaluation.coco import Detections
from zoo.evaluation.scene_sheet import found_marks, known_marks, scene_sheet
from zoo.signs.dataset import Split
from zoo.signs.scenes import load


def test_what_is_found_is_marked_when_it_is_certain_the_best_on_top() -> None:
    boxes = np.array([[0, 0, 9, 9], [5, 5, 20, 20], [1, 1, 2, 2]], np.float32)
    marks = found_marks(Detections(boxes, np.array([0.91, 0.6, 0.4]), np.array([3, 1, 0])))
    assert [(mark.label, mark.note) for mark in marks] == [(1, "0.60"), (3, "0.91")]
    assert np.array_equal(marks[1].box, boxes[0])


def test_the_sheet_shows_the_boxes(tmp_path: Path) -> None:
    scenes = load(Split.TRAIN, 4)
    scene_sheet(tmp_path / "bare.png", scenes, [[] for _ in scenes])
    scene_sheet(tmp_path / "marked.png", scenes, [known_marks(scene) for scene in scenes])
    with Image.open(tmp_path / "bare.png") as bare, Image.open(tmp_path / "marked.png") as marked:
        assert bare.size == marked.size
        changed = (np.asarray(bare) != np.asarray(marked)).any(axis=-1)
    assert 0 < changed.mean() < 0.2
