"""Images made in memory, for tests that need a particular format, mode or size."""

import io
import struct
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


def png(width: int, height: int, depth: int, colour: int, rows: bytes, *chunks: bytes) -> bytes:
    """A PNG of any depth and colour type; ``rows`` each begin with their filter's number."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    data = png_chunk(b"IDAT", zlib.compress(rows))
    body = b"".join([png_chunk(b"IHDR", header), *chunks, data, png_chunk(b"IEND", b"")])
    return b"\x89PNG\r\n\x1a\n" + body


def png_chunk(name: bytes, data: bytes) -> bytes:
    """One chunk, with its length and checksum."""
    return struct.pack(">I", len(data)) + name + data + _crc(name + data)


def tiff(tags: dict[int, list[int]], pixels: bytes = b"", first: int = 8, after: int = 0) -> bytes:
    """A TIFF of SHORT and LONG tags; ``pixels`` are one strip, unless tag 273 is given.

    ``first`` is where the header says that the directory is, ``after`` where the next one is.
    """
    here = 8 + 2 + 12 * (len(tags) + (273 not in tags)) + 4
    tags = {273: [here], **tags}
    values = b""
    entries = b""
    for tag, numbers in sorted(tags.items()):
        code, kind = ("I", 4) if max(numbers) > 0xFFFF or tag == 273 else ("H", 3)
        packed = struct.pack(f"<{len(numbers)}{code}", *numbers)
        if len(packed) > 4:
            values += packed
            packed = struct.pack("<I", here + len(pixels) + len(values) - len(packed))
        entries += struct.pack("<HHI", tag, kind, len(numbers)) + packed.ljust(4, b"\0")
    head = struct.pack("<2sHIH", b"II", 42, first, len(tags))
    return head + entries + struct.pack("<I", after) + pixels + values


def jpeg_segment(marker: int, data: bytes) -> bytes:
    """One segment, with its marker and length."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data
