"""One crop: a class, a setting that fits it, a sign set into it, and what gets in the way."""

import numpy as np
from PIL import Image, ImageDraw

from zoo.signs.backdrop import foliage
from zoo.signs.paint import any_colour
from zoo.signs.placement import Box
from zoo.signs.setting import ROAD, STREET, Setting, Spot, other, put


def draw_crop(rng: np.random.Generator, label: str, side: int) -> Image.Image:
    """A clean drawing of ``side`` × ``side`` pixels whose subject is ``label``.

    A label that no setting knows is background: something else, or one time in six nothing.
    """
    setting = _setting(rng, label)
    scene = setting.backdrop(rng, side, side)
    if rng.random() < 0.3:
        put(rng, setting, scene, other(rng, setting), _spot(rng, 0.15, 0.4, spill=0.15))
    subject = setting.signs.get(label)
    if subject is None:
        if rng.random() < 1 / 6:
            return scene
        subject = other(rng, setting)
    placed = put(rng, setting, scene, subject, _spot(rng, setting.smallest, 1.0, spill=0.02))
    if placed is not None and rng.random() < 0.4:
        _occlude(rng, scene, placed.box)
    return scene


def _setting(rng: np.random.Generator, label: str) -> Setting:
    for setting in (STREET, ROAD):
        if label in setting.signs:
            return setting
    return ROAD if rng.random() < 0.35 else STREET


def _spot(rng: np.random.Generator, smallest: float, largest: float, *, spill: float) -> Spot:
    """Somewhere in the crop, over its edge by at most the share ``spill``."""
    size = rng.uniform(smallest, largest)
    reach = 0.5 + spill - size / 2
    x, y = rng.uniform(0.5 - reach, 0.5 + reach, 2).tolist()
    return Spot(x, y, size)


def _occlude(rng: np.random.Generator, scene: Image.Image, box: Box) -> None:
    """Cover up to a third of the box with leaves, a bar, or something large from below."""
    draw = ImageDraw.Draw(scene)
    width, height = box.x_max - box.x_min, box.y_max - box.y_min
    share = rng.uniform(0.1, 0.33)
    match rng.integers(3):
        case 0:
            x = rng.choice((box.x_min, box.x_max))
            foliage(rng, draw, x, rng.uniform(box.y_min, box.y_max), 2 * share * width)
        case 1:
            x = rng.uniform(box.x_min, box.x_max)
            slant = rng.normal(0, 0.3) * width
            thickness = max(1, round(share * width / 2))
            draw.line((x, 0, x + slant, scene.height), any_colour(rng), thickness)
        case _:
            edge = box.y_max - share * height
            draw.rectangle((0, edge, scene.width, scene.height), fill=any_colour(rng))
