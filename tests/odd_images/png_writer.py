"""A PNG of any samples, by hand (W3C PNG, third edition: 7.2 and 9 for bytes, 8 for Adam7)."""

import itertools
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from tests.images import png_chunk
from tests.odd_images.odd import packed

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, COLOUR, PALETTE, GREY_ALPHA, COLOUR_ALPHA = 0, 2, 3, 4, 6
CHANNELS = {GREY: 1, COLOUR: 3, PALETTE: 1, GREY_ALPHA: 2, COLOUR_ALPHA: 4}
LETTERS = {GREY: "g", COLOUR: "c", PALETTE: "p", GREY_ALPHA: "a", COLOUR_ALPHA: "a"}
DEPTHS = {GREY: (1, 2, 4, 8, 16), PALETTE: (1, 2, 4, 8)}
ADAM7 = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)
ALL_FILTERS = (0, 1, 2, 3, 4)


def filtered(rows: NDArray[np.uint8], step: int, kinds: tuple[int, ...]) -> bytes:
    """Rows of bytes, each behind its filter's number; ``step`` is bytes a pixel."""
    out = b""
    above = np.zeros(rows.shape[1], np.int64)
    for row, kind in zip(rows.astype(np.int64), itertools.cycle(kinds), strict=False):
        left = np.concatenate([np.zeros(step, np.int64), row])[: len(row)]
        corner = np.concatenate([np.zeros(step, np.int64), above])[: len(row)]
        guess = left + above - corner
        near = [abs(guess - each) for each in (left, above, corner)]
        paeth = np.where(
            (near[0] <= near[1]) & (near[0] <= near[2]),
            left,
            np.where(near[1] <= near[2], above, corner),
        )
        taken = (0, left, above, (left + above) // 2, paeth)[kind]
        out += bytes([kind]) + (row - taken).astype(np.uint8).tobytes()
        above = row
    return out


def raw(
    values: NDArray[np.int64], depth: int, interlaced: bool, kinds: tuple[int, ...] = ALL_FILTERS
) -> bytes:
    """(H, W, C) samples as the bytes that are compressed."""
    step = max(1, values.shape[2] * depth // 8)
    passes = [values[y::dy, x::dx] for x, y, dx, dy in ADAM7] if interlaced else [values]
    return b"".join(
        filtered(packed(part.reshape(len(part), -1), depth), step, kinds)
        for part in passes
        if part.size
    )


def file(
    size: tuple[int, int], depth: int, colour: int, data: bytes, *chunks: bytes, interlaced: int = 0
) -> bytes:
    """A PNG of uncompressed rows; ``chunks`` come in front of them."""
    return wrapped(
        header(size, depth, colour, interlaced), *chunks, png_chunk(b"IDAT", zlib.compress(data))
    )


def header(size: tuple[int, int], depth: int, colour: int, interlaced: int = 0) -> bytes:
    return png_chunk(b"IHDR", struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, interlaced))


def wrapped(*chunks: bytes) -> bytes:
    return SIGNATURE + b"".join(chunks) + png_chunk(b"IEND", b"")
