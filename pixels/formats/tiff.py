"""TIFF 6.0 and BigTIFF: the first directory, what its strips unpack to, and how many follow."""

import struct
from contextlib import suppress
from typing import NamedTuple

from pixels.errors import UnreadableError
from pixels.formats.claim import COPIED, PIXEL, Header
from pixels.formats.jpeg import MOST_SCANS, check_scans

WIDTH, LENGTH, BITS, COMPRESSION, STRIPS, SAMPLES = 256, 257, 258, 259, 273, 277
ROWS_PER_STRIP, PLANAR, TILE_WIDTH, TILE_LENGTH, TILES = 278, 284, 322, 323, 324
SAMPLE_FORMAT = 339
EXIF, GPS, INTEROPERABILITY = 34665, 34853, 40965
DIRECTORIES = (EXIF, GPS, INTEROPERABILITY)  # Pillow reads these too
MOST_DEPTH = 2  # the last is inside the first

UNIT_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
UNIT_BYTES |= {16: 8, 17: 8, 18: 8}  # of BigTIFF
PLAIN_BYTES = (1, 2, 6, 7)  # types that Pillow keeps as they are; of others it makes numbers
INTEGERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q"}
RATIONALS = (5, 10)
UNSIGNED, SIGNED, FLOATING = 1, 2, 3  # formats of samples

# None, CCITT, LZW, JPEG, deflate, PackBits. Left out: old JPEG, LZMA, zstd and WebP, whose decoders
# may take more memory than any limit here allows for.
UNCOMPRESSED, JPEG = 1, 7
COMPRESSIONS = (UNCOMPRESSED, 2, 3, 4, 5, JPEG, 8, 32773, 32946)
MOST_TAGS = 1000
MOST_SAMPLES = 16  # of a pixel
MOST_NUMBERS = 300_000  # in a directory; a palette has 196,608
MOST_RATIONALS = 1000
MOST_BLOCKS = 70_000  # strips or tiles
MOST_DIRECTORIES = 10_000


class _Tag(NamedTuple):
    kind: int
    length: int  # how many values
    offset: int  # of the value in the file


class _File:
    """The bytes, and in which order and width its numbers are."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._order = "<" if data.startswith(b"II") else ">"
        big = data[2:4] in (b"+\0", b"\0+")
        # Codes of a count of tags and of an offset, bytes of both and of a tag's value.
        self._count, self._wide = ("Q", "Q") if big else ("H", "I")
        self._head, self._inline = (8, 8) if big else (2, 4)
        self.first = self.number(self._wide, 8 if big else 4)

    def number(self, code: str, offset: int) -> int:
        """One integer of a struct code."""
        (value,) = struct.unpack_from(self._order + code, self._data, offset)
        return int(value)

    def directory(self, offset: int) -> dict[int, _Tag]:
        """The tags of the directory at ``offset``."""
        if self.number(self._count, offset) > MOST_TAGS:
            raise UnreadableError(f"the TIFF has more than {MOST_TAGS} tags")
        tags: dict[int, _Tag] = {}
        for at in range(offset + self._head, self._end(offset), 4 + 2 * self._inline):
            name, kind, count = struct.unpack_from(f"{self._order}HH{self._wide}", self._data, at)
            place = at + 4 + self._inline
            inline = count * UNIT_BYTES.get(kind, 0) <= self._inline
            tags.setdefault(
                name, _Tag(kind, count, place if inline else self.number(self._wide, place))
            )
        return tags

    def _end(self, offset: int) -> int:
        """Where a directory's tags end, and the offset of the next one is."""
        return offset + self._head + self.number(self._count, offset) * (4 + 2 * self._inline)

    def integer(self, tags: dict[int, _Tag], name: int, default: int, most: int = 1) -> int:
        """The value of a tag; the largest one, where it may have ``most`` of them."""
        tag = tags.get(name)
        if tag is None:
            return default
        code = INTEGERS.get(tag.kind)
        if code is None or not 1 <= tag.length <= most:
            raise UnreadableError(f"the TIFF's tag {name} is no number")
        return max(
            self.number(code, tag.offset + i * UNIT_BYTES[tag.kind]) for i in range(tag.length)
        )

    def directories(self) -> int:
        """How many there are; a chain that is broken or bites its tail ends there."""
        seen: set[int] = set()
        offset = self.first
        while offset and offset not in seen and len(seen) <= MOST_DIRECTORIES:
            seen.add(offset)
            try:
                offset = self.number(self._wide, self._end(offset))
            except struct.error:
                break
        return len(seen)


def tiff(data: bytes) -> Header:
    """Raises UnreadableError for compressions and directories that cost too much to read."""
    file = _File(data)
    tags = file.directory(file.first)
    _check_numbers(tags)
    _check_metadata(file, tags, MOST_DEPTH)
    compression = file.integer(tags, COMPRESSION, 1)
    if compression not in COMPRESSIONS:
        raise UnreadableError(
            f"TIFF compression {compression} is not read", remedy="save it with LZW or deflate"
        )
    _check_samples(file, tags)
    if any(tags[name].length > MOST_BLOCKS for name in (STRIPS, TILES) if name in tags):
        raise UnreadableError(f"the TIFF has more than {MOST_BLOCKS} strips or tiles")
    width, height = file.integer(tags, WIDTH, 0), file.integer(tags, LENGTH, 0)
    working = COPIED * width * height
    if compression != UNCOMPRESSED:
        working += _block_bytes(file, tags)
    if compression == JPEG:
        blocks = sum(tags[name].length for name in (STRIPS, TILES) if name in tags)
        check_scans(data, 0, MOST_SCANS + 4 * blocks)
    return Header("TIFF", width, height, working, file.directories())


def _check_samples(file: _File, tags: dict[int, _Tag]) -> None:
    """Refuse what Pillow would read, but not as it is meant."""
    if file.integer(tags, SAMPLE_FORMAT, UNSIGNED, MOST_SAMPLES) in (SIGNED, FLOATING):
        raise UnreadableError(
            "signed and floating-point samples have no agreed range",
            remedy="save the image with 8 or 16 bits, unsigned",
        )
    depth = file.integer(tags, BITS, 1, MOST_SAMPLES)
    if depth > 8 and file.integer(tags, PLANAR, 1) != 1:
        raise UnreadableError(
            f"a TIFF with a plane for each colour and {depth} bits a sample is not read",
            remedy="save it with the colours of a pixel side by side",
        )


def _check_metadata(file: _File, tags: dict[int, _Tag], depth: int) -> None:
    """Check the directories inside one; broken ones are no reason to refuse the pixels."""
    for name in DIRECTORIES:
        if name in tags and depth:
            with suppress(struct.error):
                inner = file.directory(file.integer(tags, name, 0))
                _check_numbers(inner)
                _check_metadata(file, inner, depth - 1)


def _check_numbers(tags: dict[int, _Tag]) -> None:
    """Refuse what would become millions of Python objects."""
    numbers = sum(tag.length for tag in tags.values() if tag.kind not in PLAIN_BYTES)
    rationals = sum(tag.length for tag in tags.values() if tag.kind in RATIONALS)
    if numbers > MOST_NUMBERS or rationals > MOST_RATIONALS:
        raise UnreadableError("the TIFF has too many numbers in its tags")


def _block_bytes(file: _File, tags: dict[int, _Tag]) -> int:
    """Of one strip or tile, unpacked: libtiff keeps it until the picture is upright."""
    width, height = file.integer(tags, WIDTH, 0), file.integer(tags, LENGTH, 0)
    rows = min(file.integer(tags, ROWS_PER_STRIP, height), height)
    columns = width
    if TILES in tags:
        columns, rows = file.integer(tags, TILE_WIDTH, width), file.integer(tags, TILE_LENGTH, rows)
    samples = file.integer(tags, SAMPLES, 1)
    bits = file.integer(tags, BITS, 1, MOST_SAMPLES) * max(samples, 1)
    return columns * rows * max(-(-bits // 8), PIXEL)
