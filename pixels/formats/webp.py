"""WebP (RFC 9649): the canvas, and how many pictures follow each other on it."""

import struct

from pixels.errors import UnreadableError
from pixels.formats.claim import PIXEL, Header

# Bytes a pixel: libwebp's animation decoder, which Pillow uses for every file, holds two canvases;
# Pillow copies the picture off them, and once more to make it RGB. It copies the file twice.
CANVASES = 4 * PIXEL
LOSSLESS = CANVASES + 2
MOST_CHUNKS = 20_000
# A lossless picture may bring prefix codes for each block of 4×4 pixels, and so may an alpha
# channel: twenty bits become tables of kilobytes. Encoders do with a few hundred.
MOST_CODES, CODE_BITS, CODE_BYTES = 65_536, 20, 5_700


def webp(data: bytes) -> Header:
    """Raises UnreadableError where there is no picture, or chunks without end."""
    name, frames, lossless = data[12:16], 1, False
    if name == b"VP8 ":
        if data[23:26] != b"\x9d\x01\x2a":
            raise UnreadableError("the WebP does not begin with a key frame")
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
    elif name == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        lossless = True
    elif name == b"VP8X":
        columns, columns_high, rows, rows_high = struct.unpack_from("<HBHB", data, 24)
        width, height = 1 + (columns_high << 16 | columns), 1 + (rows_high << 16 | rows)
        frames, lossless = _pictures(data)
    else:
        raise UnreadableError("the WebP begins with no picture")
    pixels = width * height
    codes = min(MOST_CODES, -(-width // 4) * -(-height // 4), 8 * len(data) // CODE_BITS)
    hidden = codes * CODE_BYTES + CANVASES // 2 * pixels if lossless else 0
    working = (LOSSLESS if lossless else CANVASES) * pixels + 2 * len(data)
    return Header("WEBP", width, height, working, frames, hidden)


def _pictures(data: bytes) -> tuple[int, bool]:
    """How many there are, and whether any of them may have a lossless part."""
    frames, lossless, position = 0, False, 12
    for _ in range(MOST_CHUNKS):
        if position + 8 > len(data):
            return max(frames, 1), lossless
        name, length = struct.unpack_from("<4sI", data, position)
        frames += name == b"ANMF"
        lossless = lossless or name in (b"ANMF", b"ALPH", b"VP8L")
        position += 8 + length + length % 2
    raise UnreadableError(f"the WebP has more than {MOST_CHUNKS} chunks")
