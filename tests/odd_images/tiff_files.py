"""TIFF: what libtiff's picture collection varies, and directories that lie (TIFF 6.0, BigTIFF)."""

import itertools
import struct
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tests.odd_images.odd import Odd, grey, on_white, packed, samples, shown
from tests.odd_images.tiff_writer import (
    DEFLATE,
    LZW,
    NONE,
    PACKBITS,
    Tags,
    compressed,
    file,
    strips,
)

WIDTH, HEIGHT = 33, 21
SIZE = {256: [WIDTH], 257: [HEIGHT]}
WHITE_IS_ZERO, BLACK_IS_ZERO, COLOUR, PALETTE, CMYK = 0, 1, 2, 3, 5
TURNS = {
    1: lambda p: p,
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.transpose(1, 0, 2),
    6: lambda p: np.rot90(p, -1),
    7: lambda p: np.rot90(p, 2).transpose(1, 0, 2),
    8: lambda p: np.rot90(p, 1),
}


def kinds() -> Iterator[tuple[str, int, Tags, NDArray[np.int64], NDArray[np.uint8]]]:
    """Name, depth, tags, samples, and the pixels they are."""
    for depth in (1, 2, 4, 8, 16):
        values = samples(HEIGHT, WIDTH, 1, depth=depth)
        levels = grey(values[..., 0], depth)
        tags = {258: [depth], 277: [1]}
        yield f"minisblack-{depth:02}", depth, tags | {262: [BLACK_IS_ZERO]}, values, levels
        yield f"miniswhite-{depth:02}", depth, tags | {262: [WHITE_IS_ZERO]}, values, 255 - levels
    for depth in (1, 2, 4, 8):
        values = samples(HEIGHT, WIDTH, 1, depth=depth)
        table = samples(1 << depth, 3, seed=4)
        tags = {258: [depth], 277: [1], 262: [PALETTE], 320: (table.T.ravel() * 257).tolist()}
        yield f"palette-{depth:02}", depth, tags, values, table[values[..., 0]].astype(np.uint8)
    for depth in (8, 16):
        values = samples(HEIGHT, WIDTH, 4, depth=depth)
        colours = (values >> depth - 8).astype(np.uint8)
        rgb = {258: [depth] * 3, 277: [3], 262: [COLOUR]}
        yield f"rgb-{depth:02}", depth, rgb, values[..., :3], colours[..., :3]
        rgba = {258: [depth] * 4, 277: [4], 262: [COLOUR], 338: [2]}
        yield (
            f"rgba-{depth:02}",
            depth,
            rgba,
            values,
            on_white(colours[..., :3], values[..., 3] >> depth - 8),
        )
        yield f"rgbx-{depth:02}", depth, rgba | {338: [0]}, values, colours[..., :3]
        inks = {258: [depth] * 4, 277: [4], 262: [CMYK]}
        paper = 255 - colours.astype(int)
        yield (
            f"cmyk-{depth:02}",
            depth,
            inks,
            values,
            np.rint(paper[..., :3] * paper[..., 3:] / 255).astype(np.uint8),
        )
    solid = samples(HEIGHT, WIDTH, 3)
    alpha = samples(HEIGHT, WIDTH, 1, seed=2)
    mixed = np.rint(solid * alpha / 255).astype(np.int64)
    tags = {258: [8] * 4, 277: [4], 262: [COLOUR], 338: [1]}
    seen = np.minimum(mixed + 255 - alpha, 255).astype(np.uint8)
    yield "premultiplied-08", 8, tags, np.concatenate([mixed, alpha], axis=2), seen


def good() -> Iterator[Odd]:
    """Each kind, in each byte order, width, compression and height of its strips."""
    near = {"rgba": 1, "cmyk": 2, "premu": 2}
    for name, depth, tags, values, right in kinds():
        slack = next((n for start, n in near.items() if name.startswith(start)), 0)
        for how, (order, big), rows in itertools.product(
            (NONE, LZW, DEFLATE, PACKBITS), (("<", False), (">", False), ("<", True)), (HEIGHT, 4)
        ):
            blocks = strips(values, depth, order, how, rows)
            data = file(SIZE | tags | {259: [how], 278: [rows]}, blocks, order, big=big)
            ends = "big" if big else "little" if order == "<" else "motorola"
            yield Odd(f"tiff/{name}-{how}-{ends}-{rows}", data, right, slack)


def arranged() -> Iterator[Odd]:
    """Turned, tiled, in planes, predicted, with the bits of a byte reversed."""
    values = samples(HEIGHT, WIDTH, 3)
    colours = values.astype(np.uint8)
    tags = SIZE | {258: [8] * 3, 277: [3], 262: [COLOUR], 259: [NONE], 278: [HEIGHT]}
    block = [colours.tobytes()]
    for turn, change in TURNS.items():
        yield shown(f"tiff/orientation-{turn}", file(tags | {274: [turn]}, block), change(colours))
    for turn in (0, 9, 65_535):
        yield Odd(f"tiff/orientation-{turn}", file(tags | {274: [turn]}, block), colours)
    wide = np.pad(colours, ((0, 32 - HEIGHT), (0, 48 - WIDTH), (0, 0)))
    tiles = [wide[y : y + 16, x : x + 16].tobytes() for y in (0, 16) for x in (0, 16, 32)]
    for how in (NONE, LZW, DEFLATE):
        data = file(
            {k: v for k, v in tags.items() if k != 278} | {259: [how], 322: [16], 323: [16]},
            [compressed(tile, how) for tile in tiles],
            tiled=True,
        )
        yield shown(f"tiff/tiled-{how}", data, colours)
        planes = [compressed(colours[..., band].tobytes(), how) for band in range(3)]
        yield shown(f"tiff/planes-{how}", file(tags | {259: [how], 284: [2]}, planes), colours)
    steps = np.diff(values, axis=1, prepend=0).astype(np.uint8)
    for how in (LZW, DEFLATE):
        data = file(tags | {259: [how], 317: [2]}, [compressed(steps.tobytes(), how)])
        yield shown(f"tiff/predictor-{how}", data, colours)
    bits = samples(HEIGHT, WIDTH, 1, depth=1)
    turned = np.packbits(
        np.unpackbits(packed(bits[..., 0], 1), axis=1)
        .reshape(HEIGHT, -1, 8)[..., ::-1]
        .reshape(HEIGHT, -1),
        axis=1,
    )
    one = SIZE | {258: [1], 277: [1], 262: [BLACK_IS_ZERO], 259: [NONE], 278: [HEIGHT], 266: [2]}
    yield shown("tiff/fill-order-2", file(one, [turned.tobytes()]), grey(bits[..., 0], 1))


def lying() -> Iterator[Odd]:
    """Counts, offsets and loops that are no picture's."""
    values = samples(HEIGHT, WIDTH, 3)
    block = values.astype(np.uint8).tobytes()
    tags = SIZE | {258: [8] * 3, 277: [3], 262: [COLOUR], 259: [NONE], 278: [HEIGHT]}
    refused: dict[str, Tags] = {
        "offset-past-the-end": {273: [10_000_000]},
        "no-rows": {257: [0]},
        "no-columns": {256: [0]},
        "huge": {256: [70_000], 257: [70_000]},
        "wide": {256: [2**32 - 1], 257: [1]},
        "more-rows-than-data": {257: [500], 278: [500]},
        "old-jpeg": {259: [6]},
        "zstd": {259: [50_000]},
        "webp": {259: [50_001]},
        "lzma": {259: [34_925]},
        "jpeg2000": {259: [34_712]},
        "compression-0": {259: [0]},
        "lzw-of-junk": {259: [LZW]},
        "deflate-of-junk": {259: [DEFLATE]},
        "g4-of-colour": {259: [4]},
        "float": {339: [3, 3, 3]},
        "signed": {339: [2, 2, 2]},
        "deep": {258: [64] * 3},
        "many-strips": {273: [8] * 70_001},
    }
    for name, change in refused.items():
        yield Odd(f"tiff/{name}", file(tags | change, [block]), refused=True)
    either: dict[str, Tags] = {
        "strip-lengths-0": {279: [0]},
        "strip-lengths-huge": {279: [2**31]},
        "rows-per-strip-0": {278: [0]},
        "rows-per-strip-huge": {278: [2**32 - 1]},
        "five-samples": {277: [5], 258: [8] * 5},
        "no-samples": {277: [0]},
        "many-samples": {277: [60_000]},
        "bits-of-one": {258: [8]},
        "photometric-99": {262: [99]},
        "lab": {262: [8]},
        "ycbcr": {262: [6], 530: [2, 2]},
        "no-photometric": {262: [2], 338: [7, 7]},
        "palette-without": {262: [3], 277: [1], 258: [8]},
        "palette-short": {262: [3], 277: [1], 258: [8], 320: [1] * 30},
        "planes-9": {284: [9]},
        "tile-1x1": {322: [1], 323: [1], 324: [8], 325: [3]},
        "tile-huge": {322: [65_520], 323: [65_520], 324: [8], 325: [3]},
        "exif-loop": {34665: [8], 34853: [8]},
        "exif-past-the-end": {34665: [2**31]},
    }
    for name, change in either.items():
        yield Odd(f"tiff/{name}", file(tags | change, [block]))
    for order in "<>":
        whole = file(tags, [block], order, after=8 + len(block))
        yield Odd(f"tiff/directory-loop-{order}", whole, values.astype(np.uint8))
    fine = file(tags, [block])
    for name, data in {
        "head-alone": fine[:8],
        "first-0": b"II*\0" + bytes(4) + fine[8:],
        "first-past-the-end": b"II*\0" + b"\xff" * 4 + fine[8:],
        "no-tags": b"II*\0\x08\0\0\0\0\0\0\0\0\0",
        "all-ff": b"II*\0\x08\0\0\0" + b"\xff" * 5000,
        "magic-44": b"II,\0" + fine[4:],
        "big-head-alone": b"II+\0\x08\0\0\0",
        "big-offset-width": b"II+\0\x04\0\0\0" + fine[8:],
    }.items():
        yield Odd(f"tiff/{name}", data, refused=True)


def twice() -> Iterator[Odd]:
    """Tags that are there twice: which one counts, readers do not agree on."""
    for first, second in ((1, 5000), (5000, 1)):
        entries = [
            (256, first),
            (256, second),
            (257, first),
            (257, second),
            (258, 8),
            (259, 1),
            (262, 1),
            (273, 8),
            (277, 1),
            (278, 5000),
            (279, 25_000_000),
        ]
        data = struct.pack("<2sHIH", b"II", 42, 8, len(entries))
        data += b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
        yield Odd(f"tiff/twice-{first}-{second}", data + bytes(100))


def files() -> Iterator[Odd]:
    for category in (good, arranged, lying, twice):
        yield from category()
