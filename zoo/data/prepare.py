"""From a file to the pixels that a network sees: the same, bit for bit, as the gateway's.

The gateway has its own form of this, which reads uploads and knows every way of fitting; a test
holds the two together.
"""

import io
import warnings
from typing import NamedTuple

import numpy as np
import PIL.Image
from numpy.typing import NDArray

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")  # of animations, the first frame
# Of one image, as at the gateway unless it is told otherwise.
MOST_PIXELS = 50_000_000
LONGEST_SIDE = 16_384
BACKGROUND = (255, 255, 255)  # RGB that shows through where an image is transparent
BARS = (114, 114, 114)  # RGB beside a letterboxed image, as recipes have it

ORIENTATION = 0x0112  # the EXIF tag
# EXIF 2.32: how to turn the stored rows and columns to see the image upright.
UPRIGHT = {
    2: PIL.Image.Transpose.FLIP_LEFT_RIGHT,
    3: PIL.Image.Transpose.ROTATE_180,
    4: PIL.Image.Transpose.FLIP_TOP_BOTTOM,
    5: PIL.Image.Transpose.TRANSPOSE,
    6: PIL.Image.Transpose.ROTATE_270,
    7: PIL.Image.Transpose.TRANSVERSE,
    8: PIL.Image.Transpose.ROTATE_90,
}


class UnreadableError(ValueError):
    """A file that gives no pixels; the message completes a sentence that starts with its name."""


class Placement(NamedTuple):
    """Where an image lies in its letterbox, in pixels."""

    width: int
    height: int
    left: int
    upper: int


def decode(content: bytes) -> PIL.Image.Image:
    """The first image of a file: upright, opaque, 8-bit RGB.

    Raises:
        UnreadableError: not an image of FORMATS, broken, cut short or too large.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd but readable files
            with PIL.Image.open(io.BytesIO(content), formats=FORMATS) as picture:
                return _upright(picture)
    except UnreadableError:
        raise
    except PIL.UnidentifiedImageError as error:
        raise UnreadableError(f"is no image of {', '.join(FORMATS)}") from error
    except Exception as error:  # decoders raise anything on broken input
        raise UnreadableError("is broken or cut short") from error


def stretched(picture: PIL.Image.Image, height: int, width: int) -> NDArray[np.uint8]:
    """(height, width, 3), RGB: both sides resized, as for classifiers."""
    return np.asarray(_resized(picture, width, height))


def letterboxed(picture: PIL.Image.Image, height: int, width: int) -> NDArray[np.uint8]:
    """(height, width, 3), RGB: the longer side resized and bars beside, as for detectors."""
    placed = placement(picture.width, picture.height, height, width)
    small = _resized(picture, placed.width, placed.height)
    if small.size == (width, height):
        return np.asarray(small)
    canvas = PIL.Image.new("RGB", (width, height), BARS)
    canvas.paste(small, (placed.left, placed.upper))
    return np.asarray(canvas)


def placement(image_width: int, image_height: int, height: int, width: int) -> Placement:
    """Where an image of this size lies in a letterbox of height × width."""
    scale = min(width / image_width, height / image_height)
    inner_width = max(1, round(image_width * scale))
    inner_height = max(1, round(image_height * scale))
    left, upper = (width - inner_width) // 2, (height - inner_height) // 2
    return Placement(inner_width, inner_height, left, upper)


def _resized(picture: PIL.Image.Image, width: int, height: int) -> PIL.Image.Image:
    if picture.size == (width, height):
        return picture
    return picture.resize((width, height), PIL.Image.Resampling.BILINEAR)


def _upright(picture: PIL.Image.Image) -> PIL.Image.Image:
    width, height = picture.size
    if width * height > MOST_PIXELS or max(width, height) > LONGEST_SIDE:
        raise UnreadableError(
            f"has {width}×{height} pixels, of at most {MOST_PIXELS:,}, {LONGEST_SIDE:,} a side"
        )
    picture.load()
    turn = UPRIGHT.get(_orientation(picture))
    flat = _rgb(picture)
    return flat if turn is None else flat.transpose(turn)


def _orientation(picture: PIL.Image.Image) -> int:
    """EXIF orientation, 1 (upright) if there is none or the EXIF block is broken."""
    try:
        return int(picture.getexif().get(ORIENTATION, 1))
    except Exception:  # the pixels are fine, and Pillow's EXIF reader raises anything
        return 1


def _rgb(picture: PIL.Image.Image) -> PIL.Image.Image:
    """The picture in mode RGB, on BACKGROUND where it is transparent."""
    if picture.mode.startswith("I;16"):  # Pillow's own conversion would clip at 255
        grey = (np.asarray(picture) >> 8).astype(np.uint8)
        return PIL.Image.fromarray(grey).convert("RGB")
    if picture.mode in ("I", "F"):
        raise UnreadableError("has 32-bit samples, which have no agreed range")
    if picture.has_transparency_data:
        colours = picture.convert("RGBA")
        canvas = PIL.Image.new("RGB", picture.size, BACKGROUND)
        canvas.paste(colours, mask=colours)
        return canvas
    return picture if picture.mode == "RGB" else picture.convert("RGB")
