"""From a clean drawing to a photograph: distance, motion, light, sensor noise, JPEG."""

from io import BytesIO
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Pixels = NDArray[np.float32]  # (H, W, 3), 0..1


class Optics(NamedTuple):
    """How bad a camera may be: the worst share of real pixels, and the longest smear."""

    least_detail: float
    longest_smear: float  # as a share of the picture's width


HAND_HELD = Optics(least_detail=0.28, longest_smear=0.1)  # one sign fills the picture


def photograph(
    rng: np.random.Generator,
    scene: Image.Image,
    width: int,
    height: int,
    optics: Optics = HAND_HELD,
) -> bytes:
    """The scene as a camera of width × height pixels delivers it: a JPEG file."""
    seen = _focus(rng, scene.resize((width, height), Image.Resampling.BOX), optics.least_detail)
    light = _move(rng, np.asarray(seen, dtype=np.float32) / 255.0, optics.longest_smear)
    exposed = _noise(rng, _expose(rng, light))
    levels = (np.clip(exposed, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)
    file = BytesIO()
    Image.fromarray(levels).save(file, "JPEG", quality=int(rng.integers(22, 96)))
    return file.getvalue()


def _focus(rng: np.random.Generator, image: Image.Image, least_detail: float) -> Image.Image:
    """Far away (few real pixels, enlarged) or out of focus, each about half of the time."""
    if rng.random() < 0.5:
        share = rng.uniform(least_detail, 0.9)
        small = (max(1, round(image.width * share)), max(1, round(image.height * share)))
        image = image.resize(small, Image.Resampling.BOX).resize(
            image.size, Image.Resampling.BILINEAR
        )
    if rng.random() < 0.5:
        image = image.filter(ImageFilter.GaussianBlur(rng.exponential(0.9)))
    return image


def _move(rng: np.random.Generator, pixels: Pixels, longest_smear: float) -> Pixels:
    """Smeared along a line by up to the share ``longest_smear``, one time in three."""
    if rng.random() > 1 / 3:
        return pixels
    reach, angle = rng.uniform(1.0, longest_smear * pixels.shape[1]), rng.uniform(0.0, np.pi)
    steps = np.linspace(-reach / 2, reach / 2, 7)
    margin = int(np.ceil(reach))
    padded = np.pad(pixels, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
    smeared = np.zeros_like(pixels)
    for step in steps:
        y = margin + round(step * np.sin(angle))
        x = margin + round(step * np.cos(angle))
        smeared += padded[y : y + pixels.shape[0], x : x + pixels.shape[1]]
    mean: Pixels = smeared / np.float32(len(steps))
    return mean


def _expose(rng: np.random.Generator, pixels: Pixels) -> Pixels:
    """Day, dusk, night or haze; a colour cast; light that falls off to one side."""
    height, width, _ = pixels.shape
    night = rng.random() < 0.25
    gamma = rng.uniform(1.5, 2.8) if night else rng.lognormal(0.0, 0.25)
    cast = rng.normal(1.0, 0.07, 3).astype(np.float32)
    gain = rng.uniform(0.5, 1.0) if night else rng.uniform(0.6, 1.3)
    contrast = rng.uniform(0.35, 0.7) if rng.random() < 0.25 else rng.uniform(0.7, 1.1)
    haze = rng.uniform(0.1, 0.8) * (1.0 - contrast)
    slope_y, slope_x = rng.normal(0.0, 0.35, 2)
    rows = np.linspace(-slope_y, slope_y, height, dtype=np.float32)[:, None]
    columns = np.linspace(-slope_x, slope_x, width, dtype=np.float32)[None, :]
    falloff = np.exp(0.5 * (rows + columns))[..., None]
    exposed: Pixels = np.power(pixels, gamma) * (gain * cast) * falloff * contrast + haze
    return exposed


def _noise(rng: np.random.Generator, pixels: Pixels) -> Pixels:
    """Sensor noise, partly common to the three channels."""
    strength = np.float32(0.7 * min(rng.exponential(0.025), 0.1))
    height, width, _ = pixels.shape
    common = rng.standard_normal((height, width, 1), dtype=np.float32)
    each = rng.standard_normal((height, width, 3), dtype=np.float32)
    noisy: Pixels = pixels + strength * (common + each)
    return noisy
