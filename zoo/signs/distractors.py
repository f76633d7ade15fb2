"""Things at the roadside that are none of the five signs, many of them alike on purpose."""

import numpy as np
from PIL import Image, ImageDraw

from zoo.signs.paint import (
    BLACK,
    BLUE,
    GREY,
    RED,
    WHITE,
    YELLOW,
    age,
    any_colour,
    blank,
    disc,
    lettering,
    tint,
)

SIDE = 96  # pixels
ALPHABET = "ABCDEFGHKLMNOPRSTUVXZ"


def warning_triangle(rng: np.random.Generator) -> Image.Image:
    """A warning sign (A): a red triangle with a white or yellow face and some symbol."""
    patch = blank(SIDE, SIDE)
    draw = ImageDraw.Draw(patch)
    draw.polygon(((SIDE / 2, 4), (SIDE - 2, 90), (2, 90)), fill=tint(rng, RED))
    face = tint(rng, YELLOW if rng.random() < 0.3 else WHITE)
    draw.polygon(((SIDE / 2, 26), (SIDE - 20, 80), (20, 80)), fill=face)
    lettering(draw, (SIDE / 2, 62), _text(rng, 1), 34, tint(rng, BLACK))
    return age(rng, patch if rng.random() < 0.7 else patch.rotate(180))


def stop_sign(rng: np.random.Generator) -> Image.Image:
    """A red octagon that says STOP."""
    patch = blank(SIDE, SIDE)
    draw = ImageDraw.Draw(patch)
    for radius, colour in ((47, WHITE), (43, RED)):
        centre = (SIDE / 2, SIDE / 2, radius)
        draw.regular_polygon(centre, 8, rotation=22, fill=tint(rng, colour))
    lettering(draw, (SIDE / 2, SIDE / 2), "STOP", 26, tint(rng, WHITE))
    return age(rng, patch)


def plate(rng: np.random.Generator) -> Image.Image:
    """A rectangular board with a word: a shop, a street name, a parking sign."""
    height = int(rng.integers(30, SIDE))
    patch = blank(SIDE, height)
    draw = ImageDraw.Draw(patch)
    ground = tint(rng, (BLUE, WHITE, RED, YELLOW)[rng.integers(4)], 30)
    draw.rounded_rectangle((0, 0, SIDE - 1, height - 1), 6, ground, outline=any_colour(rng))
    text = _text(rng, int(rng.integers(1, 6)))
    size = min(height - 8, 2 * SIDE // (len(text) + 2))
    lettering(draw, (SIDE / 2, height / 2), text, size, any_colour(rng))
    return age(rng, patch)


def logo(rng: np.random.Generator) -> Image.Image:
    """Two or three discs inside each other: an advertisement, a wheel, a round mirror."""
    patch = blank(SIDE, SIDE)
    draw = ImageDraw.Draw(patch)
    for radius in np.sort(rng.uniform(10, 47, int(rng.integers(2, 4))))[::-1]:
        palette = (RED, BLUE, WHITE, GREY, BLACK)
        colour = any_colour(rng) if rng.random() < 0.4 else palette[rng.integers(5)]
        disc(draw, SIDE / 2, SIDE / 2, radius, tint(rng, colour))
    return age(rng, patch)


def tail_lights(rng: np.random.Generator) -> Image.Image:
    """The back of a car: a dark window and two red lamps."""
    patch = blank(SIDE, 72)
    draw = ImageDraw.Draw(patch)
    draw.rounded_rectangle((0, 6, SIDE - 1, 68), 12, any_colour(rng))
    draw.rounded_rectangle((14, 10, SIDE - 15, 32), 6, tint(rng, BLACK))
    lamp = tint(rng, (255, 50, 40) if rng.random() < 0.5 else (150, 20, 24))
    width, height = rng.integers(8, 20, 2).tolist()
    draw.rounded_rectangle((4, 38, 4 + width, 38 + height), 4, lamp)
    draw.rounded_rectangle((SIDE - 5 - width, 38, SIDE - 5, 38 + height), 4, lamp)
    return patch


def _text(rng: np.random.Generator, length: int) -> str:
    return "".join(rng.choice(list(ALPHABET), length))
