"""Boxes of the ISO base media file format (ISO/IEC 14496-12, section 4.2), and numbers in them."""

import struct
from collections.abc import Iterator

from pixels.errors import UnreadableError

MOST_BOXES = 4000  # of a file


class Boxes:
    """A file of boxes; counts what it hands out, so that a walk ends."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._left = MOST_BOXES

    def inside(self, begin: int, end: int) -> Iterator[tuple[bytes, int, int]]:
        """Of each box between two offsets its type, and begin and end of what it holds."""
        while begin + 8 <= end:
            self._left -= 1
            if self._left < 0:
                raise UnreadableError(f"the file has more than {MOST_BOXES} boxes")
            length, name = struct.unpack_from(">I4s", self.data, begin)
            held = begin + 8
            if length == 1:
                (length,) = struct.unpack_from(">Q", self.data, held)
                held += 8
            after = begin + length if length else end
            if not held <= after <= end:
                raise UnreadableError("the file's boxes are broken or cut short")
            yield name, held, after
            begin = after


class Numbers:
    """Big-endian numbers of any width, one after the other."""

    def __init__(self, data: bytes, position: int) -> None:
        self._data = data
        self._position = position

    def next(self, width: int) -> int:
        """The number in the next ``width`` bytes; struct.error where there are none."""
        begin, self._position = self._position, self._position + width
        if self._position > len(self._data):
            raise struct.error("the box is cut short")
        return int.from_bytes(self._data[begin : self._position], "big")
