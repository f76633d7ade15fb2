"""BMP (Windows and OS/2): the bitmap's header."""

import struct

from pixels.errors import UnreadableError
from pixels.formats.claim import COPIED, Header

OS2_HEADER = 12  # bytes; later ones are longer and have 32-bit sizes
RUN_LENGTHS = (1, 2)  # 8 and 4 bits a pixel
MOST_RUN_LENGTH_PIXELS = 4_000_000  # and bytes: Pillow expands them in Python


def bmp(data: bytes) -> Header:
    """Raises UnreadableError for a large run-length coded one."""
    (size,) = struct.unpack_from("<I", data, 14)
    if size == OS2_HEADER:
        width, height = struct.unpack_from("<HH", data, 18)
        compression = 0
    else:
        # A negative height means that the top row comes first.
        width, height, _, _, compression = struct.unpack_from("<IiHHI", data, 18)
    height = abs(height)
    if compression in RUN_LENGTHS and max(width * height, len(data)) > MOST_RUN_LENGTH_PIXELS:
        raise UnreadableError(
            f"a run-length coded BMP may have {MOST_RUN_LENGTH_PIXELS} pixels and bytes",
            remedy="save it without compression, or as PNG",
        )
    return Header("BMP", width, height, COPIED * width * height)
