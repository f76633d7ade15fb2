"""The detection task: any scene of any split by its index, with the tight boxes of its signs."""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from tqdm import tqdm

from zoo.signs import dataset
from zoo.signs.arrangement import arrange
from zoo.signs.backdrop import foliage, road, street
from zoo.signs.camera import Optics, photograph
from zoo.signs.dataset import Split
from zoo.signs.paint import any_colour
from zoo.signs.placement import Box, Placed
from zoo.signs.setting import put

LABELS = dataset.LABELS[:-1]  # background has no box
SIDE = 160  # pixels of a scene
SUPERSAMPLING = 2
OPTICS = Optics(least_detail=0.6, longest_smear=0.02)  # a sign is a small part of a scene
STREAM = 1  # sets the random numbers of scenes apart from those of crops
OCCLUDED = 0.25  # share of signs that something covers in part


@dataclass(frozen=True, slots=True)
class Scene:
    """One picture and its signs; the file is the ground truth, so what is served is identical.

    A box holds the whole sign, what is covered by something else included, and no more; so does
    a mask.
    """

    jpeg: bytes
    boxes: NDArray[np.float32]  # (N, 4): x_min, y_min, x_max, y_max in pixels
    labels: NDArray[np.int64]  # (N,): positions in LABELS
    masks: NDArray[np.bool_] | None = None  # (N, side, side), where they were asked for

    def pixels(self) -> NDArray[np.uint8]:
        """The decoded picture: (side, side, 3), RGB."""
        return np.array(Image.open(BytesIO(self.jpeg)).convert("RGB"))


def render(
    split: Split, index: int, seed: int = 0, *, side: int = SIDE, with_masks: bool = False
) -> Scene:
    """Scene ``index`` of a split, ``side`` pixels wide; depends on nothing but these numbers."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(STREAM, split, index)))
    drawing, signs = draw_scene(rng, side * SUPERSAMPLING)
    return Scene(
        jpeg=photograph(rng, drawing, side, side, OPTICS),
        boxes=np.array([sign.box for sign, _ in signs], np.float32).reshape(-1, 4)
        / np.float32(SUPERSAMPLING),
        labels=np.array([label for _, label in signs], np.int64),
        masks=_masks([sign for sign, _ in signs], side) if with_masks else None,
    )


def load(
    split: Split, count: int, seed: int = 0, *, side: int = SIDE, with_masks: bool = False
) -> list[Scene]:
    """The first ``count`` scenes of a split."""
    numbers = tqdm(range(count), f"render {split.name.lower()}", unit="img", leave=False)
    return [render(split, index, seed, side=side, with_masks=with_masks) for index in numbers]


def draw_scene(rng: np.random.Generator, side: int) -> tuple[Image.Image, list[tuple[Placed, int]]]:
    """A clean drawing of ``side`` × ``side`` pixels, and every sign in it with its label."""
    horizon = int(rng.uniform(0.45, 0.65) * side)
    drawing = road(rng, side, side)
    drawing.paste(street(rng, side, horizon))
    signs: list[tuple[Placed, int]] = []
    for thing in arrange(rng, LABELS, horizon / side):
        placed = put(rng, thing.setting, drawing, thing.painter, thing.spot)
        if thing.label is None or placed is None:
            continue
        signs.append((placed, LABELS.index(thing.label)))
        if rng.random() < OCCLUDED:
            _occlude(rng, drawing, placed.box)
    return drawing, signs


def _masks(signs: list[Placed], side: int) -> NDArray[np.bool_]:
    """(N, side, side): the pixels of the scene that each sign touches."""
    masks = np.zeros((len(signs), side, side), np.bool_)
    for mask, sign in zip(masks, signs, strict=True):
        mask[:] = np.asarray(sign.solid.resize((side, side), Image.Resampling.BOX)) > 0
    return masks


def _occlude(rng: np.random.Generator, drawing: Image.Image, box: Box) -> None:
    """Cover up to a third of the box with leaves, or with the edge of something from one side."""
    draw = ImageDraw.Draw(drawing)
    width, height = box.x_max - box.x_min, box.y_max - box.y_min
    share = rng.uniform(0.1, 0.33)
    if rng.random() < 0.5:
        x = rng.choice((box.x_min, box.x_max))
        foliage(rng, draw, x, rng.uniform(box.y_min, box.y_max), 2 * share * width)
    else:
        edge = box.y_max - share * height
        overhang = rng.uniform(0.0, 0.4, 2) * width
        left, right = box.x_min - overhang[0], box.x_max + overhang[1]
        draw.rectangle((left, edge, right, box.y_max + share * height), fill=any_colour(rng))
