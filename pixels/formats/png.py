"""PNG (W3C, third edition, with APNG): IHDR, and a walk over all chunks."""

import struct
import zlib
from collections.abc import Iterator

from pixels.errors import UnreadableError
from pixels.formats.claim import COPIED, Header

# Pillow handles each chunk in Python; encoders write chunks of 8 KiB and more.
MOST_CHUNKS = 1000
SMALLEST_MEAN_CHUNK = 1024  # bytes, beyond the first MOST_CHUNKS
PACKED = {b"iCCP", b"zTXt", b"iTXt"}  # may each unpack to a megabyte
MOST_PACKED = 64
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of each colour type
# Of each pass over the picture: first column and row, steps between columns and between rows.
ONE_PASS = ((0, 0, 1, 1),)
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
         (0, 1, 1, 2))  # fmt: skip
INFLATED = 1 << 20  # bytes at once


def png(data: bytes) -> Header:
    """Raises UnreadableError where chunks are too many or too small."""
    name, width, height = struct.unpack_from(">4sII", data, 12)
    if name != b"IHDR":
        raise UnreadableError("the PNG does not begin with its header")
    frames, packed, drawn, position = 1, 0, False, 8
    for _ in range(MOST_CHUNKS + len(data) // SMALLEST_MEAN_CHUNK):
        if position + 8 > len(data):
            break
        length, name = struct.unpack_from(">I4s", data, position)
        if name == b"IEND":
            break
        if name == b"acTL" and not drawn:
            (frames,) = struct.unpack_from(">I", data, position + 8)
        drawn = drawn or name == b"IDAT"
        packed += name in PACKED
        position += 12 + length
    else:
        raise UnreadableError("the PNG is cut into too many chunks")
    if packed > MOST_PACKED:
        raise UnreadableError(f"the PNG has more than {MOST_PACKED} compressed texts")
    return Header("PNG", width, height, COPIED * width * height, max(frames, 1))


def is_complete(data: bytes) -> bool:
    """Whether there are as many rows as the header says; it takes as long as to unpack them."""
    missing = _row_bytes(data)
    stream = zlib.decompressobj()
    for piece in _pieces(data):
        left = piece
        while left and missing > 0:
            missing -= len(stream.decompress(left, INFLATED))
            left = stream.unconsumed_tail
    # Where rows are missing the stream is used up; otherwise the rest of it may be of any size.
    return missing <= 0 or missing <= len(stream.flush())


def _row_bytes(data: bytes) -> int:
    """Section 7: each row of each pass has its filter's byte in front."""
    width, height, depth, colour, interlaced = struct.unpack_from(">IIBBxxB", data, 16)
    bits = depth * CHANNELS[colour]
    total = 0
    for left, top, step, line_step in ADAM7 if interlaced else ONE_PASS:
        columns, rows = -((left - width) // step), -((top - height) // line_step)
        total += rows * (1 + -(-columns * bits // 8)) if columns > 0 else 0
    return total


def _pieces(data: bytes) -> Iterator[bytes]:
    """What the IDAT chunks hold."""
    position, name = 8, b""
    while position + 8 <= len(data) and name != b"IEND":
        length, name = struct.unpack_from(">I4s", data, position)
        if name == b"IDAT":
            yield data[position + 8 : position + 8 + length]
        position += 12 + length
