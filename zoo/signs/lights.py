"""Traffic lights: a housing of three lamps, of which at most one is lit."""

from enum import Enum

import numpy as np
from PIL import Image, ImageDraw

from zoo.signs.paint import AMBER, BLACK, GREEN, GREY, RED, WHITE, YELLOW, Colour, blank, disc, tint

WIDTH, HEIGHT = 44, 112  # pixels of an upright light
HOUSINGS = (BLACK, BLACK, (52, 56, 54), (30, 58, 46), (176, 140, 40))
LENSES = (RED, AMBER, GREEN)  # from the top
LIT = ((255, 48, 38), (255, 196, 50), (70, 255, 180))


class Lamp(Enum):
    """Which lamp is lit, by its position from the top."""

    RED = 0
    AMBER = 1
    GREEN = 2
    NONE = -1


def traffic_light(rng: np.random.Generator, lit: Lamp) -> Image.Image:
    """An upright light, or one in five times a lying one with red on the left; RGBA."""
    patch = blank(WIDTH, HEIGHT)
    draw = ImageDraw.Draw(patch)
    housing = tint(rng, HOUSINGS[rng.integers(len(HOUSINGS))], 8)
    edge = tint(rng, (WHITE, YELLOW, GREY)[rng.integers(3)]) if rng.random() < 0.3 else housing
    draw.rounded_rectangle((0, 0, WIDTH - 1, HEIGHT - 1), float(rng.integers(2, 14)), edge)
    draw.rounded_rectangle((2, 2, WIDTH - 3, HEIGHT - 3), float(rng.integers(2, 12)), housing)
    radius = rng.uniform(11.0, 15.0)
    for position in range(3):
        _lamp(rng, draw, position, radius, position == lit.value)
    return patch.transpose(Image.Transpose.ROTATE_90) if rng.random() < 0.2 else patch


def _lamp(
    rng: np.random.Generator,
    draw: ImageDraw.ImageDraw,
    position: int,
    radius: float,
    lit: bool,
) -> None:
    x, y = WIDTH / 2, 20 + 36 * position
    if lit:
        glow = tint(rng, LIT[position])
        halo: Colour = (glow[0] * 2 // 3, glow[1] * 2 // 3, glow[2] * 2 // 3)
        disc(draw, x, y, radius + 2, halo)
        disc(draw, x, y, radius, glow)
        core = rng.uniform(0.0, 0.6)
        red, green, blue = (int(c + (255 - c) * 0.6) for c in glow)
        disc(draw, x, y, radius * core, (red, green, blue))
    else:
        darkness = rng.uniform(0.15, 0.45)
        red, green, blue = (int(c * darkness) for c in LENSES[position])
        disc(draw, x, y, radius, (red, green, blue))
    hood = (x - radius - 2, y - radius - 3, x + radius + 2, y + radius)
    draw.arc(hood, 200, 340, fill=(12, 12, 12), width=int(rng.integers(1, 5)))
