"""JPEG (ITU T.81): the frame header, and what makes a decoder repeat itself.

Markers are found as libjpeg finds them, so that both see the same frame.
"""

import re
import struct
from collections.abc import Iterator

from pixels.errors import UnreadableError
from pixels.formats.claim import COPIED, PIXEL, Header

MARKER = re.compile(rb"\xff+([^\x00\xff])", re.DOTALL)
START_OF_SCAN = b"\xff\xda"
SOS, APP1, APP13, COMMENT = 0xDA, 0xE1, 0xED, 0xFE
BASELINE, EXTENDED, PROGRESSIVE = 0xC0, 0xC1, 0xC2
COMPONENTS = (1, 3, 4)  # grey, YCbCr or RGB, CMYK or YCCK
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # C4, CC: tables, C8: reserved
SEGMENTS = FRAMES | {0xC4, 0xCC} | set(range(0xDA, 0xF0)) | {COMMENT}  # markers with a length

MOST_STRAY = 1024  # bytes between two segments; some cameras pad
MOST_SEGMENTS = 1000
MOST_METADATA = 1 << 20  # bytes of EXIF and Photoshop's blocks, which Pillow walks in Python
# Each scan of a progressive file passes over the whole picture; encoders write about ten.
MOST_SCANS = 64
SLICE = 1 << 20  # bytes searched without letting other threads run


def jpeg(data: bytes) -> Header:
    """Raises UnreadableError for other kinds than those with 8-bit Huffman-coded samples."""
    frame: tuple[int, int, int] | None = None  # marker, begin, end
    metadata = 0
    for marker, begin, end in _segments(data):
        if marker in FRAMES:
            if frame is not None:
                raise UnreadableError("the JPEG has two frames")
            frame = marker, begin, end
        elif marker == APP13 or (marker == APP1 and data.startswith(b"Exif\0", begin)):
            metadata += end - begin
        elif marker == SOS:
            if frame is None:
                break
            if metadata > MOST_METADATA:
                raise UnreadableError(f"the JPEG has {metadata} bytes of metadata")
            return _header(data, frame, begin)
    raise UnreadableError("the JPEG has no picture")


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, begin and end of each segment's contents."""
    position = 2
    for _ in range(MOST_SEGMENTS):
        found = MARKER.search(data, position, position + MOST_STRAY)
        if found is None or found[1][0] not in SEGMENTS:
            raise UnreadableError("the JPEG's header is broken or cut short")
        begin = found.end()
        (length,) = struct.unpack_from(">H", data, begin)
        position = begin + length
        yield found[1][0], begin + 2, position
    raise UnreadableError(f"the JPEG has more than {MOST_SEGMENTS} segments")


def _header(data: bytes, frame: tuple[int, int, int], scan: int) -> Header:
    marker, begin, _ = frame
    precision, height, width, components = struct.unpack_from(">BHHB", data, begin)
    if (
        marker not in (BASELINE, EXTENDED, PROGRESSIVE)
        or precision != 8
        or components not in COMPONENTS
    ):
        raise UnreadableError(
            "of JPEG, only 8-bit Huffman-coded DCT is read",
            remedy="save it as a baseline or progressive JPEG",
        )
    working = COPIED * width * height
    if marker == PROGRESSIVE or data[scan] < components:
        check_scans(data, scan, MOST_SCANS)
        coefficients = _coefficients(data[begin + 6 : begin + 6 + 3 * components], width, height)
        working = max(working, PIXEL * width * height + coefficients)
    return Header("JPEG", width, height, working)


def _coefficients(components: bytes, width: int, height: int) -> int:
    """Bytes of all coefficients at once, two each, which several scans need."""
    factors = [(byte >> 4, byte & 15) for byte in components[1::3]]
    across, down = max(h for h, _ in factors), max(v for _, v in factors)
    if not across or not down:
        raise UnreadableError("the JPEG's sampling factors are 0")
    columns, rows = -(-width // (8 * across)), -(-height // (8 * down))  # of MCUs
    return columns * rows * sum(h * v for h, v in factors) * 64 * 2


def check_scans(data: bytes, position: int, most: int) -> None:
    """Refuse more than ``most`` of them from ``position`` on."""
    scans = 0
    for begin in range(position, len(data), SLICE):
        scans += data.count(START_OF_SCAN, begin, begin + SLICE + 1)
        if scans > most:
            raise UnreadableError(
                f"the JPEG has more than {most} scans", remedy="save it as a baseline JPEG"
            )
