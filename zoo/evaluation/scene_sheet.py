"""A contact sheet of scenes with boxes drawn in: those that are there, or those that were found."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from zoo.evaluation.coco import Detections
from zoo.signs.paint import font
from zoo.signs.scenes import LABELS, SIDE, Scene

ZOOM = 3
COLUMNS = 3
GAP = 6  # pixels between scenes
TEXT = 13  # pixels, height of the captions
CERTAIN = 0.5  # score from which a detection is drawn
COLOURS = ("#ffd400", "#3ddc52", "#35c8ff", "#ff7ae0", "#ff9a3d")  # of the labels


class Mark(NamedTuple):
    """One box of a scene; ``note`` follows its label."""

    box: NDArray[np.floating[Any]]  # x_min, y_min, x_max, y_max in pixels of the scene
    label: int
    note: str = ""


def known_marks(scene: Scene) -> list[Mark]:
    """The signs that are in the scene."""
    pairs = zip(scene.boxes, scene.labels.tolist(), strict=True)
    return [Mark(box, label) for box, label in pairs]


def found_marks(found: Detections) -> list[Mark]:
    """What a detector is rather certain of, with scores, the best one on top."""
    triples = zip(found.boxes, found.classes.tolist(), found.scores.tolist(), strict=True)
    marks = [Mark(box, label, f"{score:.2f}") for box, label, score in triples if score >= CERTAIN]
    return marks[::-1]


def scene_sheet(path: Path, scenes: Sequence[Scene], marks: Sequence[Sequence[Mark]]) -> None:
    """Write a picture with all ``scenes``, each with its own ``marks``."""
    cell = SIDE * ZOOM + GAP
    rows = -(-len(scenes) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * cell - GAP, rows * cell - GAP), "white")
    for position, (scene, its_marks) in enumerate(zip(scenes, marks, strict=True)):
        row, column = divmod(position, COLUMNS)
        sheet.paste(_marked(scene, its_marks), (column * cell, row * cell))
    sheet.save(path)


def _marked(scene: Scene, marks: Sequence[Mark]) -> Image.Image:
    size = (SIDE * ZOOM, SIDE * ZOOM)
    picture = Image.fromarray(scene.pixels()).resize(size, Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(picture)
    for mark in marks:
        x_min, y_min, x_max, y_max = (mark.box * ZOOM).tolist()
        colour = COLOURS[mark.label]
        draw.rectangle((x_min, y_min, x_max - 1, y_max - 1), outline=colour, width=2)
        text = f"{LABELS[mark.label]} {mark.note}".strip()
        left, top, right, bottom = draw.textbbox((0, 0), text, font=font(TEXT))
        x = max(0.0, min(x_min, size[0] - right - 4))
        y = y_min - bottom - 3 if y_min > bottom + 3 else y_max
        draw.rectangle((x + left, y + top - 1, x + right + 4, y + bottom + 2), fill=colour)
        draw.text((x + 2, y), text, fill="black", font=font(TEXT))
    return picture
