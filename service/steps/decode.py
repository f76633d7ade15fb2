"""Upload to Image: limits read off the header, then upright, opaque 8-bit RGB."""

import io
import logging
import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
import PIL.Image
from PIL import AvifImagePlugin, PngImagePlugin

from service.errors import GatewayError, ImageTooLarge, UnreadableImage
from service.formats.claim import Header
from service.formats.header import read_header
from service.native import return_large_blocks, silence_libtiff
from service.settings import Settings
from service.values import Image, Upload

BACKGROUND = (255, 255, 255)  # RGB that shows through where an image is transparent
STRIP_PIXELS = 1 << 18  # composed or narrowed at once
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
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # the pool has as many threads as there are cores
    warnings.filterwarnings("ignore", module=r"PIL\.")
    logging.getLogger("PIL").setLevel(logging.CRITICAL)
    PIL.Image.init()  # so that no request pays for loading the plugins
    silence_libtiff()
    return_large_blocks()


def inspect(upload: Upload, settings: Settings) -> Header:
    """What the file's header claims, held against the limits; no decoder has seen the file.

    Raises:
        ImageTooLarge: it claims more pixels, a longer side or more memory than there may be.
        UnreadableImage: no image of a format that is read, broken, or made to be costly.
    """
    header = read_header(upload.data)
    _check_size(header.width, header.height, settings)
    if header.frames > MOST_FRAMES:
        raise UnreadableImage(f"the animation has {header.frames} frames, of {MOST_FRAMES} at most")
    if header.working_bytes > settings.max_decode_bytes:
        megabytes = header.working_bytes // 1_000_000
        raise ImageTooLarge(
            f"decoding this {header.kind} of {header.width}x{header.height} pixels would take "
            f"{megabytes} MB of memory",
            max_decode_bytes=settings.max_decode_bytes,
        )
    return header


def decode(upload: Upload, settings: Settings, header: Header | None = None) -> Image:
    """The first image of a file; ``header`` is what ``inspect`` gave, if it was asked before.

    Raises:
        ImageTooLarge, UnreadableImage: as ``inspect``; or the pixels are broken or cut short.
    """
    header = header or inspect(upload, settings)
    try:
        flat, turn = _flat(upload.data, header, settings)
        return Image(flat if turn is None else flat.transpose(turn), header.frames)
    except GatewayError:
        raise
    except PIL.UnidentifiedImageError as error:
        raise UnreadableImage(f"the {header.kind} is of a kind that is not read here") from error
    except (
        Exception
    ) as error:  # whatever a decoder may raise on broken input, the input is at fault
        raise UnreadableImage("the image is broken or cut short") from error


def _flat(
    data: bytes, header: Header, settings: Settings
) -> tuple[PIL.Image.Image, PIL.Image.Transpose | None]:
    """The picture in mode RGB, and how to turn it; the one that was decoded is let go."""
    with PIL.Image.open(io.BytesIO(data), formats=[header.kind]) as picture:
        _check_size(*picture.size, settings)
        _mend_transparency(picture)
        picture.load()
        return _rgb(picture), UPRIGHT.get(_orientation(picture))


def _check_size(width: int, height: int, settings: Settings) -> None:
    if width <= 0 or height <= 0:
        raise UnreadableImage(f"the image has {width}x{height} pixels")
    if width * height > settings.max_pixels or max(width, height) > settings.max_side:
        raise ImageTooLarge(
            f"the image has {width}x{height} pixels",
            max_pixels=settings.max_pixels,
            max_side=settings.max_side,
        )


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
        raise UnreadableImage(
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
