"""Upload to Image: limits read off the header, then upright, opaque 8-bit RGB."""

import io
import warnings

import numpy as np
import PIL.Image

from service.errors import GatewayError, ImageTooLarge, UnreadableImage
from service.settings import Settings
from service.values import Image, Upload

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")  # of animations, the first frame
BACKGROUND = (255, 255, 255)  # RGB that shows through where an image is transparent

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
    warnings.filterwarnings("ignore", module=r"PIL\.")
    PIL.Image.init()  # so that no request pays for loading the plugins


def decode(upload: Upload, settings: Settings) -> Image:
    """The first image of a file.

    Raises:
        ImageTooLarge: its header claims more than the limits; no pixel was decoded.
        UnreadableImage: not an image of FORMATS, broken, or cut short.
    """
    try:
        with PIL.Image.open(io.BytesIO(upload.data), formats=FORMATS) as picture:
            _check_size(picture, settings)
            picture.load()
            turn = UPRIGHT.get(_orientation(picture))
            flat = _rgb(picture)
            return Image(flat if turn is None else flat.transpose(turn))
    except GatewayError:
        raise
    except PIL.UnidentifiedImageError as error:
        raise UnreadableImage("the file is no image of a format that is read here") from error
    except (
        Exception
    ) as error:  # whatever a decoder may raise on broken input, the input is at fault
        raise UnreadableImage("the image is broken or cut short") from error


def _check_size(picture: PIL.Image.Image, settings: Settings) -> None:
    width, height = picture.size
    if width * height > settings.max_pixels or max(width, height) > settings.max_side:
        raise ImageTooLarge(
            f"the image has {width}x{height} pixels",
            max_pixels=settings.max_pixels,
            max_side=settings.max_side,
        )


def _orientation(picture: PIL.Image.Image) -> int:
    """EXIF orientation, 1 (upright) if there is none or the EXIF block is broken."""
    try:
        return int(picture.getexif().get(ORIENTATION, 1))
    except Exception:  # the pixels are fine, and Pillow's EXIF reader raises anything
        return 1


def _rgb(picture: PIL.Image.Image) -> PIL.Image.Image:
    """The picture in mode RGB, on BACKGROUND where it is transparent."""
    if picture.mode.startswith("I;16"):
        return _from_16_bit(picture)
    if picture.mode in ("I", "F"):
        raise UnreadableImage(
            "32-bit samples have no agreed range", remedy="save the image with 8 or 16 bits"
        )
    if picture.has_transparency_data:
        colours = picture.convert("RGBA")
        canvas = PIL.Image.new("RGB", picture.size, BACKGROUND)
        canvas.paste(colours, mask=colours)
        return canvas
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _from_16_bit(picture: PIL.Image.Image) -> PIL.Image.Image:
    """16-bit grey by its upper byte; Pillow's own conversion would clip at 255."""
    return PIL.Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8)).convert("RGB")
