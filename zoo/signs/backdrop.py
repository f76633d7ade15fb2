"""What is behind a sign: a street, or the surface of a road; any size."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from zoo.signs.paint import Colour, any_colour, grain, tint

SKIES: tuple[Colour, ...] = ((120, 170, 225), (190, 205, 220), (225, 228, 230), (90, 100, 120))
WALLS: tuple[Colour, ...] = ((150, 130, 110), (110, 110, 116), (180, 170, 150), (140, 80, 64))
LEAVES: tuple[Colour, ...] = ((52, 92, 40), (80, 110, 50), (36, 64, 36), (130, 110, 40))
ASPHALT: tuple[Colour, ...] = ((92, 92, 96), (70, 70, 74), (120, 118, 114), (104, 98, 90))


def street(rng: np.random.Generator, width: int, height: int) -> Image.Image:
    """Sky, houses, trees and poles, more or less out of focus."""
    scene = _mottled(rng, SKIES[rng.integers(len(SKIES))], width, height, 5)
    draw = ImageDraw.Draw(scene)
    for _ in range(rng.integers(0, 4)):
        _house(rng, draw, width, height)
    for _ in range(rng.integers(0, 3)):
        centre = rng.uniform((0, 0), (width, height))
        foliage(rng, draw, centre[0], centre[1], rng.uniform(0.15, 0.5) * width)
    for _ in range(rng.integers(0, 3)):
        x = rng.uniform(0, width)
        thickness = int(rng.integers(1, 1 + width // 16))
        slant = rng.normal(0, 0.1) * width
        draw.line((x, 0, x + slant, height), any_colour(rng), thickness)
    return scene.filter(ImageFilter.GaussianBlur(rng.uniform(0.0, 0.02) * width))


def road(rng: np.random.Generator, width: int, height: int) -> Image.Image:
    """Asphalt with patches, cracks, lane lines and shadows."""
    scene = _mottled(rng, ASPHALT[rng.integers(len(ASPHALT))], width, height, 24)
    draw = ImageDraw.Draw(scene)
    for _ in range(rng.integers(0, 4)):
        steps = rng.normal(0, 0.1 * width, (6, 2)).cumsum(axis=0)
        crack = rng.uniform((0, 0), (width, height)) + steps
        draw.line([(x, y) for x, y in crack], tint(rng, (40, 40, 42)), int(rng.integers(1, 4)))
    for _ in range(rng.integers(0, 3)):
        x, slant = rng.uniform(-0.1, 1.1) * width, rng.normal(0, 0.3) * width
        paint = tint(rng, (200, 200, 196), 12)
        draw.line((x, height, x + slant, 0), paint, int(rng.integers(2, 2 + width // 12)))
    return _shaded(rng, scene)


def foliage(
    rng: np.random.Generator, draw: ImageDraw.ImageDraw, x: float, y: float, spread: float
) -> None:
    """A clump of leaves, about ``spread`` pixels wide."""
    colour = LEAVES[rng.integers(len(LEAVES))]
    centres = rng.normal((x, y), spread / 3, (24, 2))
    radii = rng.uniform(0.05, 0.14, 24) * spread
    for (leaf_x, leaf_y), r in zip(centres.tolist(), radii.tolist(), strict=True):
        box = (leaf_x - r, leaf_y - r, leaf_x + r, leaf_y + r)
        draw.ellipse(box, fill=tint(rng, colour, 14))


def _house(rng: np.random.Generator, draw: ImageDraw.ImageDraw, width: int, height: int) -> None:
    left, right = np.sort(rng.uniform(-0.2, 1.2, 2)) * width
    top = rng.uniform(-0.2, 0.8) * height
    draw.rectangle((left, top, right, height), fill=tint(rng, WALLS[rng.integers(len(WALLS))], 24))
    pitch = rng.uniform(0.12, 0.3) * width
    window = tint(rng, (60, 66, 76), 30)
    for x in np.arange(left + pitch / 3, right - pitch / 2, pitch):
        for y in np.arange(top + pitch / 3, height, pitch * 1.3):
            draw.rectangle((x, y, x + pitch / 2, y + pitch * 0.7), fill=window)


def _mottled(
    rng: np.random.Generator, colour: Colour, width: int, height: int, cells: int
) -> Image.Image:
    """A surface of one colour with a slope of light and smooth spots."""
    spots = grain(rng, width, height, cells)[..., None] - 0.5
    slope = np.linspace(-0.5, 0.5, height, dtype=np.float32)[:, None, None]
    base = np.array(tint(rng, colour, 8), np.float32)
    levels = base + rng.uniform(10, 70) * spots + rng.normal(0, 40) * slope
    return Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))


def _shaded(rng: np.random.Generator, scene: Image.Image) -> Image.Image:
    """A road half in the shadow of something, one time in three."""
    if rng.random() > 1 / 3:
        return scene
    shade = grain(rng, scene.width, scene.height, 3) > rng.uniform(0.3, 0.7)
    darker = np.where(shade[..., None], rng.uniform(0.4, 0.75), 1.0)
    return Image.fromarray((np.asarray(scene) * darker).astype(np.uint8))
