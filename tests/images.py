"""Images made in memory, for tests that need a particular format, mode or size."""

import io
import zlib

import numpy as np
from PIL import Image

# A different colour in each quarter, so that a turn or a swap of channels shows.
QUARTERS = {"top left": (250, 10, 10), "top right": (10, 250, 10), "bottom left": (10, 10, 250)}


def quarters(width: int = 64, height: int = 48) -> Image.Image:
    """Red, green, blue in three quarters, black in the fourth."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2] = QUARTERS["top left"]
    pixels[: height // 2, width // 2 :] = QUARTERS["top right"]
    pixels[height // 2 :, : width // 2] = QUARTERS["bottom left"]
    return Image.fromarray(pixels)


def encode(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """The bytes of a file of the format ``kind``."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def jpeg(width: int = 64, height: int = 48, orientation: int | None = None) -> bytes:
    """A JPEG of ``quarters``, marked as turned if an EXIF orientation is given."""
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    return encode(quarters(width, height), "JPEG", quality=95, exif=exif)


def claims_to_be_huge(width: int = 60_000, height: int = 60_000) -> bytes:
    """A small PNG whose header announces ``width`` × ``height`` pixels."""
    data = bytearray(encode(Image.new("L", (1, 1))))
    data[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    data[29:33] = _crc(bytes(data[12:29]))
    return bytes(data)


def _crc(chunk: bytes) -> bytes:
    return zlib.crc32(chunk).to_bytes(4, "big")
