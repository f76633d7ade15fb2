"""A BMP of any header, by hand (Microsoft's BITMAPINFOHEADER to V5, OS/2)."""

import struct

import numpy as np
from numpy.typing import NDArray

from tests.odd_images.odd import packed, samples

WIDTH, HEIGHT = 27, 14  # rows that are no multiple of four bytes
RGB, RLE8, RLE4, BITFIELDS, JPEG, PNG = range(6)


def rows(values: NDArray[np.int64], depth: int) -> bytes:
    """(H, N) samples, the bottom row first, each row filled up to four bytes."""
    lines = packed(values[::-1], depth, "<")
    return np.pad(lines, ((0, 0), (0, -lines.shape[1] % 4))).tobytes()


def file(  # what a header of 40 bytes and more says
    depth: int,
    data: bytes,
    *,
    colours: bytes = b"",
    compression: int = RGB,
    size: int = 40,
    masks: tuple[int, ...] = (),
    width: int = WIDTH,
    height: int = HEIGHT,
    planes: int = 1,
    used: int = 0,
    gap: int = 0,
    length: int | None = None,
) -> bytes:
    info = struct.pack(
        "<IiiHHIIiiII",
        size,
        width,
        height,
        planes,
        depth,
        compression,
        len(data) if length is None else length,
        2835,
        2835,
        used,
        0,
    )
    fields = struct.pack(f"<{len(masks)}I", *masks)
    if size >= 52:
        info = (info + fields).ljust(size, b"\0")
    else:
        info += fields
    begin = 14 + len(info) + len(colours) + gap
    head = struct.pack("<2sIHHI", b"BM", begin + len(data), 0, 0, begin)
    return head + info + colours + bytes(gap) + data


def core(depth: int, data: bytes, colours: bytes = b"") -> bytes:
    """With the header of OS/2 1.x, whose palette has three bytes a colour."""
    info = struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, depth)
    begin = 14 + len(info) + len(colours)
    return struct.pack("<2sIHHI", b"BM", begin + len(data), 0, 0, begin) + info + colours + data


def palette(depth: int, width: int = 4) -> tuple[bytes, NDArray[np.uint8]]:
    """Bytes, blue first, and (N, 3) RGB."""
    table = samples(1 << depth, 3, seed=5).astype(np.uint8)
    return np.pad(table[:, ::-1], ((0, 0), (0, width - 3))).tobytes(), table
