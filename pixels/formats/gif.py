"""GIF89a: the logical screen, the first picture on it, and how many there are."""

import struct

from pixels.errors import UnreadableError
from pixels.formats.claim import COPIED, Header

TRAILER, EXTENSION, PICTURE = 0x3B, 0x21, 0x2C
# Pillow walks over sub-blocks in Python; encoders write 255 bytes in each but the last.
MOST_BLOCKS = 10_000
SMALLEST_MEAN_BLOCK = 64  # bytes, beyond the first MOST_BLOCKS


def gif(data: bytes) -> Header:
    """Raises UnreadableError where there is no picture, or blocks are too small."""
    walk = _Walk(data)
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    walk.position = 13 + _palette_bytes(flags)
    frames = 0
    while walk.position < len(data) and data[walk.position] != TRAILER:
        kind = data[walk.position]
        if kind == PICTURE:
            if walk.position + 10 > len(data) and frames:
                break  # cut short after the picture that is wanted
            left, upper, columns, rows, flags = struct.unpack_from("<4HB", data, walk.position + 1)
            if not frames:  # Pillow widens the screen where the first picture sticks out
                width, height = max(width, left + columns), max(height, upper + rows)
            frames += 1
            walk.position += 11 + _palette_bytes(flags)  # with the LZW code size
        elif kind == EXTENSION:
            walk.position += 2
        else:  # Pillow skips what it does not know
            walk.count()
            walk.position += 1
            continue
        walk.skip_blocks()
    if not frames:
        raise UnreadableError("the GIF has no picture")
    return Header("GIF", width, height, COPIED * width * height, frames)


def _palette_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


class _Walk:
    """A position in the file, and how many blocks may still be passed."""

    def __init__(self, data: bytes) -> None:
        self.position = 0
        self._data = data
        self._left = MOST_BLOCKS + len(data) // SMALLEST_MEAN_BLOCK

    def skip_blocks(self) -> None:
        """Pass a chain of sub-blocks up to its empty one, or the end of the file."""
        data, position, end = self._data, self.position, len(self._data)
        passed, most = 1, self._left
        while position < end and passed <= most and (length := data[position]):
            position += 1 + length
            passed += 1
        self.position = position + 1
        self.count(passed)

    def count(self, blocks: int = 1) -> None:
        """Raise UnreadableError where more have been passed than a fair file has."""
        self._left -= blocks
        if self._left < 0:
            raise UnreadableError("the GIF is cut into too many blocks")
