"""The header of a file in any of the formats: which format, what size, how much to decode."""

import struct
from collections.abc import Callable

from pixels.errors import UnreadableError
from pixels.formats.avif import avif
from pixels.formats.bmp import bmp
from pixels.formats.claim import Header
from pixels.formats.gif import gif
from pixels.formats.jpeg import jpeg
from pixels.formats.png import png
from pixels.formats.tiff import tiff
from pixels.formats.webp import webp

# First bytes, from the second column's offset on, and who reads on.
FORMATS: tuple[tuple[bytes, int, Callable[[bytes], Header]], ...] = (
    (b"\xff\xd8\xff", 0, jpeg),
    (b"\x89PNG\r\n\x1a\n", 0, png),
    (b"WEBP", 8, webp),
    (b"GIF87a", 0, gif),
    (b"GIF89a", 0, gif),
    (b"ftypavif", 4, avif),
    (b"ftypavis", 4, avif),
    (b"ftypmif1", 4, avif),
    (b"ftypmsf1", 4, avif),
    (b"II*\0", 0, tiff),
    (b"MM\0*", 0, tiff),
    (b"II+\0", 0, tiff),
    (b"MM\0+", 0, tiff),
    (b"BM", 0, bmp),
)


def read_header(data: bytes) -> Header:
    """What the file says of itself; nothing of it has been decoded.

    Raises:
        UnreadableError: of no format that is read, cut short, or too costly to decode.
    """
    for magic, offset, parse in FORMATS:
        if data.startswith(magic, offset):
            try:
                return parse(data)
            except (struct.error, LookupError, ValueError, OverflowError) as error:
                raise UnreadableError("the image's header is broken or cut short") from error
    if not data:
        raise UnreadableError("the file is empty")
    raise UnreadableError("the file is no image of a format that is read here")
