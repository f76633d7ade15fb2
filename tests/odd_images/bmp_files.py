"""BMP: the categories of bmpsuite (Jason Summers), good, questionable and bad.

Sources: Microsoft's BITMAPCOREHEADER to BITMAPV5HEADER, RLE in "Bitmap Compression", OS/2 2.x.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tests.odd_images.bmp_writer import (
    BITFIELDS,
    HEIGHT,
    JPEG,
    PNG,
    RLE4,
    RLE8,
    WIDTH,
    core,
    file,
    palette,
    rows,
)
from tests.odd_images.odd import Odd, packed, samples, shown, spoilt

MASKS = {
    "565": (16, 0xF800, 0x07E0, 0x001F, 0),
    "555": (16, 0x7C00, 0x03E0, 0x001F, 0),
    "4444": (16, 0x0F00, 0x00F0, 0x000F, 0xF000),
    "xrgb": (32, 0xFF0000, 0x00FF00, 0x0000FF, 0),
    "bgrx": (32, 0x0000FF, 0x00FF00, 0xFF0000, 0),
    "rgbx": (32, 0xFF000000, 0x00FF0000, 0x0000FF00, 0),
    "101010": (32, 0x3FF00000, 0x000FFC00, 0x000003FF, 0),
    "argb": (32, 0xFF0000, 0x00FF00, 0x0000FF, 0xFF000000),
    "zero": (16, 0, 0, 0, 0),
    "overlapping": (32, 0xFFFF00, 0x00FFFF, 0xFF00FF, 0),
    "gaps": (16, 0xA000, 0x0500, 0x0005, 0),
}


def good() -> Iterator[Odd]:
    for depth in (1, 4, 8):
        values = samples(HEIGHT, WIDTH, depth=depth)
        table, colours = palette(depth)
        right, data = colours[values], rows(values, depth)
        yield shown(f"bmp/pal{depth}", file(depth, data, colours=table), right)
        yield shown(
            f"bmp/pal{depth}topdown",
            file(depth, rows(values[::-1], depth), colours=table, height=-HEIGHT),
            right,
        )
        yield shown(f"bmp/pal{depth}gap", file(depth, data, colours=table, gap=100), right)
        yield shown(f"bmp/pal{depth}os2", core(depth, data, palette(depth, 3)[0]), right)
        few = file(depth, rows(values % 2, depth), colours=table[:8], used=2)
        yield shown(f"bmp/pal{depth}few", few, colours[values % 2])
        for size in (108, 124):
            late = file(depth, data, colours=table, size=size)
            yield shown(f"bmp/pal{depth}v{size}", late, right)
        for size in (16, 52, 56, 64):
            late = file(depth, data, colours=table, size=size)
            yield Odd(f"bmp/pal{depth}h{size}", late, right if size > 16 else None)
    for depth, channels in ((24, 3), (32, 4)):
        values = samples(HEIGHT, WIDTH, channels)
        right = values[..., 2::-1].astype(np.uint8)
        data = rows(values.reshape(HEIGHT, -1), 8)
        yield shown(f"bmp/rgb{depth}", file(depth, data), right)
        yield shown(f"bmp/rgb{depth}nolength", file(depth, data, length=0), right)
        yield Odd(f"bmp/rgb{depth}os2", core(depth, data), right)
        yield shown(f"bmp/rgb{depth}pal", file(depth, data, colours=palette(8)[0], used=256), right)


def bitfields() -> Iterator[Odd]:
    for name, (depth, *masks) in MASKS.items():
        values = samples(HEIGHT, WIDTH, depth=depth)
        right = None
        if name not in ("zero", "overlapping", "gaps", "4444", "argb"):
            right = np.stack([_level(values, mask) for mask in masks[:3]], axis=2)
        if masks[3] and name == "argb":
            values |= masks[3]
            right = np.stack([_level(values, mask) for mask in masks[:3]], axis=2)
        for size in (40, 56, 108, 124):
            some = masks[:3] if size == 40 else masks
            data = file(
                depth, rows(values, depth), compression=BITFIELDS, size=size, masks=tuple(some)
            )
            yield Odd(f"bmp/bitfields-{name}-h{size}", data, right, near=1)
    values = samples(HEIGHT, WIDTH, depth=15)
    right = np.stack([_level(values, mask) for mask in MASKS["555"][1:4]], axis=2)
    yield shown("bmp/rgb16", file(16, rows(values, 16)), right, near=1)


def _level(values: NDArray[np.int64], mask: int) -> NDArray[np.uint8]:
    shift = (mask & -mask).bit_length() - 1
    return np.rint((values & mask) / (1 << shift) * 255 / (mask >> shift)).astype(np.uint8)


def run_lengths() -> Iterator[Odd]:
    table, colours = palette(8)
    values = samples(HEIGHT, WIDTH)
    whole = b"".join(b"\0\x1b" + row.tobytes() + b"\0\0\0" for row in values[::-1].astype(np.uint8))
    right = colours[values]
    flat = np.tile(colours[7], (HEIGHT, WIDTH, 1))
    yield shown("bmp/rle8-literal", _rle8(whole + b"\0\1", table), right)
    yield shown(
        "bmp/rle8-runs", _rle8((bytes([WIDTH, 7]) + b"\0\0") * HEIGHT + b"\0\1", table), flat
    )
    yield shown(
        "bmp/rle8-short-runs", _rle8((b"\1\7" * WIDTH + b"\0\0") * HEIGHT + b"\0\1", table), flat
    )
    yield Odd("bmp/rle8-no-end", _rle8(whole, table), right)
    yield Odd("bmp/rle8-topdown", _rle8(whole + b"\0\1", table, -HEIGHT))
    nibbles = samples(HEIGHT, WIDTH, depth=4)
    table4, colours4 = palette(4)
    lines = packed(nibbles[::-1], 4)
    whole4 = b"".join(b"\0\x1b" + row.tobytes() + b"\0\0" for row in lines)
    yield shown("bmp/rle4-literal", _rle4(whole4 + b"\0\1", table4), colours4[nibbles])
    stripes = np.where(np.arange(WIDTH) % 2, 6, 5)
    yield shown(
        "bmp/rle4-runs",
        _rle4((bytes([WIDTH, 0x56]) + b"\0\0") * HEIGHT + b"\0\1", table4),
        np.tile(colours4[stripes], (HEIGHT, 1, 1)),
    )
    hostile = {
        "delta": b"\4\1\0\2\3\2\4\2\0\1",
        "delta-outside": b"\0\2\xff\xff" * 50 + b"\1\1\0\1",
        "deltas": b"\0\2\0\0" * 5000,
        "past-the-row": b"\xff\1" * 90,
        "past-the-end": (bytes([WIDTH, 1]) + b"\0\0") * 99,
        "empty": b"",
        "end-at-once": b"\0\1",
        "lines-alone": b"\0\0" * 200,
        "literal-cut": b"\0\xff\1\2",
        "odd-byte": b"\1",
    }
    for name, data in hostile.items():
        yield Odd(f"bmp/rle8-{name}", _rle8(data, table))
        yield Odd(f"bmp/rle4-{name}", _rle4(data, table4))


def _rle8(data: bytes, table: bytes, height: int = HEIGHT) -> bytes:
    return file(8, data, colours=table, compression=RLE8, height=height)


def _rle4(data: bytes, table: bytes) -> bytes:
    return file(4, data, colours=table, compression=RLE4)


def bad() -> Iterator[Odd]:
    values = samples(HEIGHT, WIDTH * 3)
    data = rows(values, 8)
    fine = file(24, data)
    refused = {
        "badbitcount": file(66, data),
        "badbitcount-0": file(0, data),
        "badheadersize": spoilt(fine, 14, "<I", 66),
        "badheadersize-0": spoilt(fine, 14, "<I", 0),
        "badheadersize-huge": spoilt(fine, 14, "<I", 2**31),
        "shortfile": fine[:-200],
        "reallybig": file(24, data, width=3_000_000, height=2_000_000),
        "wide": file(24, data, width=2**31 - 1, height=1),
        "badwidth": file(24, data, width=-WIDTH),
        "zero-width": file(24, data, width=0),
        "zero-height": file(24, data, height=0),
        "lowest": file(24, data, height=-(2**31)),
        "jpeg-inside": file(0, data, compression=JPEG),
        "png-inside": file(0, data, compression=PNG),
        "compression-99": file(24, data, compression=99),
        "past-the-end": spoilt(fine, 10, "<I", 2**31),
        "head-alone": fine[:14],
        "two-bytes": b"BM",
        "array": b"BA" + fine[2:],
    }
    yield from (Odd(f"bmp/{name}", data, refused=True) for name, data in refused.items())
    either = {
        "badplanes": file(24, data, planes=5000),
        "badpalettesize": file(8, data, colours=palette(8)[0], used=2**32 - 1),
        "palette-in-data": file(8, data, used=256),
        "offset-zero": spoilt(fine, 10, "<I", 0),
        "offset-in-header": spoilt(fine, 10, "<I", 20),
        "pal2": file(2, data, colours=palette(2)[0]),
        "rle8-of-24": file(24, data, compression=RLE8),
        "rle24": file(24, data, compression=4, size=64),
        "alphabitfields": file(32, data * 2, compression=6, masks=(0xFF0000, 0xFF00, 255, 0)),
    }
    yield from (Odd(f"bmp/{name}", data) for name, data in either.items())


def files() -> Iterator[Odd]:
    for category in (good, bitfields, run_lengths, bad):
        yield from category()
