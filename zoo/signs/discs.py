"""Round signs in the European form (Vienna Convention), which China's signs share."""

import numpy as np
from PIL import Image, ImageDraw

from zoo.signs.paint import BLACK, BLUE, GREY, RED, WHITE, Colour, age, blank, disc, lettering, tint

SIDE = 96  # pixels
CENTRE = SIDE / 2
RADIUS = SIDE / 2 - 1


def no_driving(rng: np.random.Generator) -> Image.Image:
    """Closed to all vehicles (C2): an empty white disc in a red ring."""
    patch, _ = _ringed(rng, WHITE)
    return age(rng, patch)


def no_parking(rng: np.random.Generator) -> Image.Image:
    """No parking (C18): a blue disc in a red ring, one slash from top left to bottom right."""
    patch, red = _ringed(rng, BLUE)
    _slash(ImageDraw.Draw(patch), red, rng.uniform(8, 13), 1)
    return age(rng, patch)


def no_stopping(rng: np.random.Generator) -> Image.Image:
    """No stopping (C19): as no parking, but with a cross."""
    patch, red = _ringed(rng, BLUE)
    width = rng.uniform(8, 13)
    draw = ImageDraw.Draw(patch)
    _slash(draw, red, width, 1)
    _slash(draw, red, width, -1)
    return age(rng, patch)


def speed_limit(rng: np.random.Generator) -> Image.Image:
    """A speed limit (C14): digits on a white disc in a red ring."""
    patch, _ = _ringed(rng, WHITE)
    text = str(10 * rng.integers(1, 13))
    size = int(rng.integers(34, 46)) - 6 * (len(text) - 2)
    lettering(ImageDraw.Draw(patch), (CENTRE, CENTRE), text, size, tint(rng, BLACK, 8))
    return age(rng, patch)


def no_entry(rng: np.random.Generator) -> Image.Image:
    """No entry (C1): a white bar on a red disc."""
    patch = blank(SIDE, SIDE)
    draw = ImageDraw.Draw(patch)
    disc(draw, CENTRE, CENTRE, RADIUS, tint(rng, RED))
    half = rng.uniform(6, 10)
    draw.rectangle((14, CENTRE - half, SIDE - 14, CENTRE + half), fill=tint(rng, WHITE))
    return age(rng, patch)


def mandatory(rng: np.random.Generator) -> Image.Image:
    """A mandatory direction (D1): a white arrow on a blue disc."""
    patch = blank(SIDE, SIDE)
    draw = ImageDraw.Draw(patch)
    disc(draw, CENTRE, CENTRE, RADIUS, tint(rng, WHITE))
    disc(draw, CENTRE, CENTRE, RADIUS - rng.uniform(0, 5), tint(rng, BLUE))
    head = ((CENTRE, 16), (CENTRE + 20, 44), (CENTRE - 20, 44))
    white = tint(rng, WHITE)
    draw.polygon(head, fill=white)
    draw.rectangle((CENTRE - 7, 42, CENTRE + 7, 78), fill=white)
    turned = patch.rotate(float(rng.choice((0, 45, 90, -45, -90, 135))))
    return age(rng, turned)


def end_of_limits(rng: np.random.Generator) -> Image.Image:
    """End of all restrictions (C17): a white disc with a thin dark rim and a dark slash."""
    patch = blank(SIDE, SIDE)
    draw = ImageDraw.Draw(patch)
    dark = tint(rng, BLACK if rng.random() < 0.5 else GREY)
    disc(draw, CENTRE, CENTRE, RADIUS, dark)
    disc(draw, CENTRE, CENTRE, RADIUS - rng.uniform(3, 9), tint(rng, WHITE))
    _slash(draw, dark, rng.uniform(5, 12), -1)
    return age(rng, patch)


def _ringed(rng: np.random.Generator, face: Colour) -> tuple[Image.Image, Colour]:
    patch = blank(SIDE, SIDE)
    draw = ImageDraw.Draw(patch)
    red = tint(rng, RED)
    disc(draw, CENTRE, CENTRE, RADIUS, red)
    disc(draw, CENTRE, CENTRE, RADIUS * rng.uniform(0.68, 0.82), tint(rng, face))
    return patch, red


def _slash(draw: ImageDraw.ImageDraw, colour: Colour, width: float, direction: int) -> None:
    reach = 0.64 * RADIUS  # ends under the ring
    ends = (
        (CENTRE - reach, CENTRE - direction * reach),
        (CENTRE + reach, CENTRE + direction * reach),
    )
    draw.line(ends, fill=colour, width=round(width))
