"""A file's bytes to its picture: limits read off the header, then upright, opaque 8-bit RGB."""

import io
import logging
import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
import PIL.Image
from PIL import AvifImagePlugin, PngImagePlugin

from pixels.errors import TooLargeError, UnreadableError
from pixels.formats.claim import Header
from pixels.formats.header import read_header
from pixels.formats.png import is_complete
from pixels.limits import Limits
from pixels.native import silence_libtiff

BACKGROUND = (255, 255, 255)  # RGB that shows through where an image is transparent
STRIP_PIXELS = 1 << 18  # composed or narrowed at once
FED = 1 << 20  # bytes at once; Pillow copies what its decoder leaves, for each of them anew
MOST_FRAMES = 10_000  # of an animation, though only the first is looked at
MOST_EXIF = 1 << 20  # bytes; Pillow walks them in Python
MOST_TEXT = 16 << 20  # bytes that a PNG's texts may unpack to

GREY_STEPS = {"L;2": 85, "L;4": 17, "L": 1}  # between two levels of grey, once they are 8 bits deep
PHOTOMETRIC, WHITE_IS_ZERO = 262, 0  # a TIFF's tag, and one of its values
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


def configure_pillow() -> None:
    """Set Pillow's process-wide switches: our limits rule, and odd files make no noise."""
    PIL.Image.MAX_IMAGE_PIXELS = None
    PngImagePlugin.MAX_TEXT_MEMORY = MOST_TEXT
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # whoever decodes has threads of their own
    warnings.filterwarnings("ignore", module=r"PIL\.")
    logging.getLogger("PIL").setLevel(logging.CRITICAL)
    PIL.Image.init()  # so that no image pays for loading the plugins
    silence_libtiff()


def inspect(data: bytes, limits: Limits) -> Header:
    """What the file's header claims, held against the limits; no decoder has seen the file.

    Raises:
        TooLargeError: it claims more pixels, a longer side or more memory than there may be.
        UnreadableError: no image of a format that is read, broken, or made to be costly.
    """
    header = read_header(data)
    _check_size(header.width, header.height, limits)
    if header.frames > MOST_FRAMES:
        raise UnreadableError(f"the animation has {header.frames} frames, of {MOST_FRAMES} at most")
    if header.working_bytes > limits.max_decode_bytes:
        megabytes = header.working_bytes // 1_000_000
        raise TooLargeError(
            f"decoding this {header.kind} of {header.width}x{header.height} pixels would take "
            f"{megabytes} MB of memory",
            max_decode_bytes=limits.max_decode_bytes,
        )
    return header


def decode(data: bytes, limits: Limits, header: Header | None = None) -> PIL.Image.Image:
    """The first image of a file, in mode RGB; ``header`` is what ``inspect`` gave, if it was asked.

    Call ``configure_pillow`` once before.

    Raises:
        TooLargeError, UnreadableError: as ``inspect``; or the pixels are broken or cut short.
    """
    header = header or inspect(data, limits)
    try:
        flat, turn = _flat(data, header, limits)
        return flat if turn is None else flat.transpose(turn)
    except (TooLargeError, UnreadableError):
        raise
    except PIL.UnidentifiedImageError as error:
        raise UnreadableError(f"the {header.kind} is of a kind that is not read here") from error
    except (
        Exception
    ) as error:  # whatever a decoder may raise on broken input, the input is at fault
        raise UnreadableError("the image is broken or cut short") from error


def _flat(
    data: bytes, header: Header, limits: Limits
) -> tuple[PIL.Image.Image, PIL.Image.Transpose | None]:
    """The picture in mode RGB, and how to turn it; the one that was decoded is let go."""
    with PIL.Image.open(io.BytesIO(data), formats=[header.kind]) as picture:
        _check_size(*picture.size, limits)
        if picture.width * picture.height > header.pixels:
            raise UnreadableError("the image's header names more than one size")
        _mend_transparency(picture)
        picture.decodermaxblock = FED
        picture.load()
        if header.kind == "PNG":
            _check_rows(picture, data)
        return _rgb(picture), UPRIGHT.get(_orientation(picture))


def _check_size(width: int, height: int, limits: Limits) -> None:
    if width <= 0 or height <= 0:
        raise UnreadableError(f"the image has {width}x{height} pixels")
    if width * height > limits.max_pixels or max(width, height) > limits.max_side:
        raise TooLargeError(
            f"the image has {width}x{height} pixels",
            max_pixels=limits.max_pixels,
            max_side=limits.max_side,
        )


def _check_rows(picture: PIL.Image.Image, data: bytes) -> None:
    """Refuse a PNG whose rows end too early, which Pillow fills up with zeros and tells nobody.

    Of an interlaced one every other row comes last, so one of the last two is missing.
    """
    last = range(max(0, picture.height - 2), picture.height)
    rows = (picture.crop((0, row, picture.width, row + 1)) for row in last)
    empty = any(row.getbbox(alpha_only=False) is None for row in rows)
    if empty and not is_complete(data):
        raise UnreadableError("the PNG has fewer rows than its header says")


def _orientation(picture: PIL.Image.Image) -> int:
    """EXIF orientation, 1 (upright) if there is none or the EXIF block is broken.

    Of an AVIF Pillow puts the container's own in its place, which counts alone.
    """
    if picture.format == "AVIF":
        picture.info.pop("xmp", None)
    blocks = picture.info.get("exif"), picture.info.get("Raw profile type exif")
    if max(len(block or "") for block in blocks) > MOST_EXIF:
        return 1
    try:
        return int(picture.getexif().get(ORIENTATION, 1))
    except Exception:  # the pixels are fine, and Pillow's EXIF reader raises anything
        return 1


def _mend_transparency(picture: PIL.Image.Image) -> None:
    """Scale a PNG's transparent colour as Pillow scales its samples, to 8 bits."""
    key = picture.info.get("transparency")
    if picture.format != "PNG" or key is None:
        return
    depth = picture.tile[0].args  # type: ignore[attr-defined]  # only files have tiles
    if depth in GREY_STEPS:
        step = GREY_STEPS[depth]
        picture.info["transparency"] = (key & 255 // step) * step
    elif picture.mode == "RGB":
        shift = 8 if depth == "RGB;16B" else 0
        picture.info["transparency"] = tuple(level >> shift & 255 for level in key)


def _rgb(picture: PIL.Image.Image) -> PIL.Image.Image:
    """The picture in mode RGB, on BACKGROUND where it is transparent."""
    if picture.mode.startswith("I;16"):
        return _by_strips(picture, partial(_narrowed, flip=_flip(picture)))
    if picture.mode in ("I", "F"):
        raise UnreadableError(
            "32-bit samples have no agreed range", remedy="save the image with 8 or 16 bits"
        )
    if picture.has_transparency_data:
        return _by_strips(picture, _composed)
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _by_strips(
    picture: PIL.Image.Image, change: Callable[[PIL.Image.Image], PIL.Image.Image]
) -> PIL.Image.Image:
    """A picture of what ``change`` makes of each strip; what lies in between stays small."""
    width, height = picture.size
    rows = max(1, STRIP_PIXELS // width)
    if rows >= height:
        return change(picture)
    whole = PIL.Image.new("RGB", picture.size)
    for top in range(0, height, rows):
        whole.paste(change(picture.crop((0, top, width, min(top + rows, height)))), (0, top))
    return whole


def _composed(strip: PIL.Image.Image) -> PIL.Image.Image:
    colours = strip if strip.mode == "RGBA" else strip.convert("RGBA")
    canvas = PIL.Image.new("RGB", strip.size, BACKGROUND)
    canvas.paste(colours, mask=colours)
    return canvas


def _flip(picture: PIL.Image.Image) -> int:
    """What inverts a TIFF whose 0 is white, which Pillow does to 8 bits, but not to 16."""
    return 255 if getattr(picture, "tag_v2", {}).get(PHOTOMETRIC) == WHITE_IS_ZERO else 0


def _narrowed(strip: PIL.Image.Image, flip: int) -> PIL.Image.Image:
    """16-bit grey by its upper byte; Pillow's own conversion would clip at 255."""
    deep = np.asarray(strip)
    grey = (deep >> 8).astype(np.uint8) ^ np.uint8(flip)
    if "transparency" in strip.info:
        grey[deep == strip.info["transparency"]] = BACKGROUND[0]
    return PIL.Image.fromarray(grey).convert("RGB")
