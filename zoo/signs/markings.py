"""Paint on the road: arrows and the other shapes they are mistaken for, seen from above."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from zoo.signs.paint import WHITE, YELLOW, blank, grain, lettering, tint

WIDTH, HEIGHT = 80, 176  # pixels; arrows are long because drivers see them at a flat angle

Point = tuple[float, float]  # x to the right and y down the road, both 0..1


def straight_arrow(rng: np.random.Generator) -> Image.Image:
    """A shaft with a head pointing ahead."""
    return _worn(rng, [_straight(rng)])


def left_arrow(rng: np.random.Generator) -> Image.Image:
    """A shaft that turns left, with a head pointing left."""
    return _worn(rng, [_left(rng)])


def right_arrow(rng: np.random.Generator) -> Image.Image:
    """The mirror image of the left arrow."""
    return ImageOps.mirror(left_arrow(rng))


def straight_or_right_arrow(rng: np.random.Generator) -> Image.Image:
    """The arrow of a lane that may go ahead or turn right."""
    turn = [(1.0 - x, y) for x, y in _left(rng)]
    tip = [(0.36 * x, 0.75 * y) for x, y in _straight(rng)]
    return _worn(rng, [turn, tip])


def dashes(rng: np.random.Generator) -> Image.Image:
    """One to three pieces of a lane line."""
    width = rng.uniform(0.1, 0.25)
    period = 1.0 / rng.integers(1, 4)
    starts = np.arange(0.0, 0.99, period)
    return _worn(rng, [_bar(0.5 - width / 2, y, width, period * 0.7) for y in starts])


def zebra(rng: np.random.Generator) -> Image.Image:
    """Part of a pedestrian crossing."""
    count = int(rng.integers(3, 6))
    return _worn(rng, [_bar(i / count, 0.0, 0.55 / count, 1.0) for i in range(count)])


def digits(rng: np.random.Generator) -> Image.Image:
    """A speed painted on the road."""
    patch = blank(WIDTH, WIDTH)
    text = str(10 * rng.integers(2, 10))
    lettering(ImageDraw.Draw(patch), (WIDTH / 2, WIDTH / 2), text, 64, tint(rng, WHITE))
    return _erode(rng, patch.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR))


def _straight(rng: np.random.Generator) -> list[Point]:
    shaft, head = rng.uniform(0.08, 0.14), rng.uniform(0.35, 0.5)
    neck = rng.uniform(0.25, 0.42)
    half = [(0.5 + head, neck), (0.5 + shaft, neck), (0.5 + shaft, 1.0)]
    return [(0.5, 0.0), *half, *((1.0 - x, y) for x, y in reversed(half))]


def _left(rng: np.random.Generator) -> list[Point]:
    shaft, arm = rng.uniform(0.18, 0.28), rng.uniform(0.07, 0.12)
    head, neck = rng.uniform(0.15, 0.24), rng.uniform(0.35, 0.5)
    axis = head + 0.01
    elbow = axis + rng.uniform(0.0, 0.25)  # a square corner, or a slanted one
    return [
        (0.0, axis),
        (neck, axis - head),
        (neck, axis - arm),
        (1.0 - shaft / 2, axis - arm),
        (1.0, axis),
        (1.0, 1.0),
        (1.0 - shaft, 1.0),
        (1.0 - shaft, elbow + arm),
        (neck, axis + arm),
        (neck, axis + head),
    ]


def _bar(x: float, y: float, width: float, height: float) -> list[Point]:
    return [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]


def _worn(rng: np.random.Generator, polygons: Sequence[Sequence[Point]]) -> Image.Image:
    patch = blank(WIDTH, HEIGHT)
    draw = ImageDraw.Draw(patch)
    paint = tint(rng, YELLOW if rng.random() < 0.15 else WHITE)
    for polygon in polygons:
        draw.polygon([(x * (WIDTH - 1), y * (HEIGHT - 1)) for x, y in polygon], fill=paint)
    return _erode(rng, patch)


def _erode(rng: np.random.Generator, patch: Image.Image) -> Image.Image:
    """The patch with paint worn thin everywhere and gone in places."""
    wear = rng.uniform(0.0, 0.42)
    texture = 0.6 * grain(rng, WIDTH, HEIGHT, 7) + 0.4 * grain(rng, WIDTH, HEIGHT, 40)
    left = np.clip((texture - wear) * 6.0, 0.15 if wear < 0.3 else 0.0, 1.0)
    alpha = np.asarray(patch.getchannel("A"), dtype=np.float32) * left * rng.uniform(0.65, 1.0)
    patch.putalpha(Image.fromarray(alpha.astype(np.uint8)))
    return patch
