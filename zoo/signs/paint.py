"""The palette and the few strokes that every drawn thing uses."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]

RED: Colour = (196, 22, 32)
AMBER: Colour = (250, 170, 20)
GREEN: Colour = (20, 190, 110)
BLUE: Colour = (10, 78, 160)
YELLOW: Colour = (240, 196, 40)
WHITE: Colour = (238, 238, 236)
GREY: Colour = (128, 130, 132)
BLACK: Colour = (24, 24, 26)


def tint(rng: np.random.Generator, colour: Colour, spread: float = 16.0) -> Colour:
    """A colour near ``colour``: every channel moved by a normal step of ``spread`` levels."""
    red, green, blue = np.clip(rng.normal(colour, spread), 0, 255).astype(int).tolist()
    return red, green, blue


def any_colour(rng: np.random.Generator) -> Colour:
    """A colour from the whole cube, for shop fronts, cars and logos."""
    red, green, blue = rng.integers(0, 256, 3).tolist()
    return red, green, blue


def blank(width: int, height: int) -> Image.Image:
    """A fully transparent RGBA patch."""
    return Image.new("RGBA", (width, height))


def disc(draw: ImageDraw.ImageDraw, x: float, y: float, radius: float, fill: Colour) -> None:
    """A filled circle around (x, y)."""
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)


def grain(rng: np.random.Generator, width: int, height: int, cells: int) -> NDArray[np.float32]:
    """Smooth noise in 0..1, shape (height, width), about ``cells`` bumps along each side."""
    seeds = Image.fromarray(rng.random((cells, cells), dtype=np.float32))
    smooth = np.asarray(seeds.resize((width, height), Image.Resampling.BICUBIC))
    noise: NDArray[np.float32] = np.clip(smooth, 0.0, 1.0)
    return noise


@lru_cache
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's built-in typeface, ``size`` pixels tall."""
    return ImageFont.load_default(size)


def lettering(
    draw: ImageDraw.ImageDraw, centre: tuple[float, float], text: str, size: int, fill: Colour
) -> None:
    """Text around ``centre``, given as x and y."""
    draw.text(centre, text, fill=fill, font=font(size), anchor="mm")


def age(rng: np.random.Generator, patch: Image.Image) -> Image.Image:
    """The same patch, sun-bleached and dirty: its colours fade and darken unevenly."""
    pixels = np.asarray(patch, dtype=np.float32)
    fade = rng.uniform(0.0, 0.35)
    bleached = pixels[..., :3] * (1 - fade) + 200.0 * fade
    dirt = 1.0 - rng.uniform(0.0, 0.4) * grain(rng, patch.width, patch.height, 5)
    aged = np.dstack((bleached * dirt[..., None], pixels[..., 3]))
    return Image.fromarray(aged.astype(np.uint8))
