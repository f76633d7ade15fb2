"""PNG (W3C, third edition, with APNG): IHDR, and a walk over all chunks."""

import struct

from service.errors import UnreadableImage
from service.formats.claim import COPIED, Header

# Pillow handles each chunk in Python; encoders write chunks of 8 KiB and more.
MOST_CHUNKS = 1000
SMALLEST_MEAN_CHUNK = 1024  # bytes, beyond the first MOST_CHUNKS
PACKED = {b"iCCP", b"zTXt", b"iTXt"}  # may each unpack to a megabyte
MOST_PACKED = 64


def png(data: bytes) -> Header:
    """Raises UnreadableImage where chunks are too many or too small."""
    name, width, height = struct.unpack_from(">4sII", data, 12)
    if name != b"IHDR":
        raise UnreadableImage("the PNG does not begin with its header")
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
        raise UnreadableImage("the PNG is cut into too many chunks")
    if packed > MOST_PACKED:
        raise UnreadableImage(f"the PNG has more than {MOST_PACKED} compressed texts")
    return Header("PNG", width, height, COPIED * width * height, max(frames, 1))
