"""AVIF (AOMedia, on ISO/IEC 23008-12): the sizes in its boxes and in its streams."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from pixels.errors import UnreadableError
from pixels.formats.av1 import drawn_bytes
from pixels.formats.boxes import Boxes, Numbers
from pixels.formats.claim import PIXEL, Header

CANVAS = 3 * PIXEL  # bytes a pixel, beside the planes: libavif's, and Pillow's as file and picture
MOST_ITEMS = 1024
MOST_METADATA = 1 << 20  # bytes of EXIF, which Pillow walks in Python
CONTAINERS = {b"iprp", b"ipco", b"moov", b"trak", b"mdia", b"minf", b"stbl"}


@dataclass
class _Contents:
    """What a walk over the boxes has found; places are begin and end."""

    sizes: list[tuple[int, int]] = field(default_factory=list)
    kinds: dict[int, bytes] = field(default_factory=dict)  # of items
    places: dict[int, list[tuple[int, int]]] = field(default_factory=dict)  # of items
    in_idat: set[int] = field(default_factory=set)  # items whose places count from its begin
    idat: int = 0
    sample_bytes: list[int] = field(default_factory=list)  # of each track's first sample
    sample_begins: list[int] = field(default_factory=list)
    frames: int = 1


def avif(data: bytes) -> Header:
    """Raises UnreadableError where items overlap or are too many, or a stream is no picture."""
    contents = _Contents()
    _walk(Boxes(data), 0, len(data), contents)
    drawn = sum(map(drawn_bytes, _streams(data, contents)))
    if not drawn or not contents.sizes:
        raise UnreadableError("the AVIF has no picture")
    width, height = max(contents.sizes, key=lambda size: size[0] * size[1])
    working = CANVAS * width * height + drawn + len(data)  # Pillow copies the file
    return Header("AVIF", width, height, working, contents.frames)


def _walk(boxes: Boxes, begin: int, end: int, contents: _Contents) -> None:
    for name, held, after in boxes.inside(begin, end):
        if name in CONTAINERS:
            _walk(boxes, held, after, contents)
        elif name == b"meta":
            _walk(boxes, held + 4, after, contents)
        elif name == b"iinf":
            _read_kinds(boxes, held, after, contents)
        elif name in READERS:
            READERS[name](boxes.data, held, after, contents)


def _read_kinds(boxes: Boxes, begin: int, end: int, contents: _Contents) -> None:
    head = 8 if boxes.data[begin] else 6
    for name, held, _ in boxes.inside(begin + head, end):
        version = boxes.data[held]
        if name == b"infe" and version >= 2:
            code = ">H2x4s" if version == 2 else ">I2x4s"
            item, kind = struct.unpack_from(code, boxes.data, held + 4)
            contents.kinds[item] = kind


def _read_places(data: bytes, begin: int, _: int, contents: _Contents) -> None:
    """Section 8.11.3 of ISO/IEC 14496-12."""
    version, widths, more = data[begin], data[begin + 4], data[begin + 5]
    offset_bytes, length_bytes, base_bytes = widths >> 4, widths & 15, more >> 4
    index_bytes = more & 15 if version else 0
    item_bytes = 4 if version == 2 else 2
    numbers = Numbers(data, begin + 6)
    for _ in range(_few(numbers.next(item_bytes))):
        item = numbers.next(item_bytes)
        if version and numbers.next(2) & 15:
            contents.in_idat.add(item)
        numbers.next(2)
        base = numbers.next(base_bytes)
        places = contents.places.setdefault(item, [])
        for _ in range(_few(numbers.next(2))):
            numbers.next(index_bytes)
            start = base + numbers.next(offset_bytes)
            length = numbers.next(length_bytes)
            places.append((start, start + length if length else len(data)))


def _few(count: int) -> int:
    if count > MOST_ITEMS:
        raise UnreadableError(f"the AVIF has more than {MOST_ITEMS} items, or pieces of one")
    return count


def _read_size(data: bytes, begin: int, _: int, contents: _Contents) -> None:
    width, height = struct.unpack_from(">II", data, begin + 4)
    contents.sizes.append((width, height))


def _read_track(data: bytes, _: int, end: int, contents: _Contents) -> None:
    """The last two numbers are the size, in 1/65536 of pixels."""
    width, height = struct.unpack_from(">II", data, end - 8)
    contents.sizes.append((width >> 16, height >> 16))


def _read_idat(_: bytes, begin: int, __: int, contents: _Contents) -> None:
    contents.idat = begin


def _read_samples(data: bytes, begin: int, _: int, contents: _Contents) -> None:
    each, count = struct.unpack_from(">II", data, begin + 4)
    first = each or struct.unpack_from(">I", data, begin + 12)[0] if count else 0
    contents.frames = max(contents.frames, count)
    contents.sample_bytes.append(first)


def _read_chunks(data: bytes, begin: int, _: int, contents: _Contents) -> None:
    contents.sample_begins += struct.unpack_from(">I", data, begin + 8)


def _read_far_chunks(data: bytes, begin: int, _: int, contents: _Contents) -> None:
    contents.sample_begins += struct.unpack_from(">Q", data, begin + 8)


READERS = {
    b"ispe": _read_size,
    b"tkhd": _read_track,
    b"iloc": _read_places,
    b"idat": _read_idat,
    b"stsz": _read_samples,
    b"stco": _read_chunks,
    b"co64": _read_far_chunks,
}


def _streams(data: bytes, contents: _Contents) -> Iterator[bytes | memoryview]:
    """Of each picture: those that are items, and the first sample of each track."""
    left = len(data)
    for item, kind in contents.kinds.items():
        payload = _payload(data, item, contents)
        left -= len(payload)
        if left < 0 or (kind == b"Exif" and len(payload) > MOST_METADATA):
            raise UnreadableError("the AVIF's items overlap, or hold too much metadata")
        if kind == b"grid":  # a canvas of tiles, ISO/IEC 23008-12, section 6.6.2.3
            code = ">II" if payload[1] & 1 else ">HH"
            contents.sizes.append(struct.unpack_from(code, payload, 4))
        if kind == b"av01":
            yield payload
    if len(contents.sample_begins) != len(contents.sample_bytes):
        raise UnreadableError("the AVIF's tracks are broken")
    for begin, size in zip(contents.sample_begins, contents.sample_bytes, strict=True):
        yield memoryview(data)[begin : begin + size]


def _payload(data: bytes, item: int, contents: _Contents) -> bytes | memoryview:
    view = memoryview(data)
    shift = contents.idat if item in contents.in_idat else 0
    pieces = [view[begin + shift : end + shift] for begin, end in contents.places.get(item, [])]
    if len(pieces) == 1:
        return pieces[0]
    if sum(map(len, pieces)) > len(data):
        raise UnreadableError("the AVIF's items overlap")
    return b"".join(pieces)
