"""PNG: the categories of PngSuite, those that are broken by intent, and what else tends to break.

Names follow PngSuite (Willem van Schaik): a category, i or n for interlaced or not, colour type,
depth.
"""

import itertools
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tests.images import png_chunk
from tests.odd_images.odd import Odd, grey, on_white, samples, shown, spoilt
from tests.odd_images.png_writer import (
    ALL_FILTERS,
    CHANNELS,
    COLOUR,
    COLOUR_ALPHA,
    DEPTHS,
    GREY,
    GREY_ALPHA,
    LETTERS,
    PALETTE,
    file,
    header,
    raw,
    wrapped,
)


def palette(depth: int) -> NDArray[np.int64]:
    return samples(1 << depth, 3, seed=7)


def expected(values: NDArray[np.int64], depth: int, colour: int) -> NDArray[np.uint8]:
    """(H, W, C) samples to (H, W, 3), on white."""
    if colour == PALETTE:
        return palette(depth)[values[..., 0]].astype(np.uint8)
    if colour in (GREY, GREY_ALPHA):
        colours = grey(values[..., 0], depth)
    else:
        colours = (values[..., :3] >> depth - 8).astype(np.uint8)
    if colour in (GREY_ALPHA, COLOUR_ALPHA):
        return on_white(colours, values[..., -1] >> depth - 8)
    return colours


def picture(
    name: str,
    size: tuple[int, int],
    depth: int,
    colour: int,
    *chunks: bytes,
    interlaced: bool = False,
    kinds: tuple[int, ...] = ALL_FILTERS,
) -> Odd:
    values = samples(size[1], size[0], CHANNELS[colour], depth=depth)
    if colour == PALETTE:
        chunks = (png_chunk(b"PLTE", palette(depth).astype(np.uint8).tobytes()), *chunks)
    rows = raw(values, depth, interlaced, kinds)
    data = file(size, depth, colour, rows, *chunks, interlaced=interlaced)
    near = 1 if colour in (GREY_ALPHA, COLOUR_ALPHA) else 0
    return shown(f"png/{name}", data, expected(values, depth, colour), near)


def basic() -> Iterator[Odd]:
    for colour, interlaced in itertools.product(CHANNELS, (False, True)):
        for depth in DEPTHS.get(colour, (8, 16)):
            name = f"bas{'i' if interlaced else 'n'}{colour}{LETTERS[colour]}{depth:02}"
            yield picture(name, (32, 32), depth, colour, interlaced=interlaced)


def sizes() -> Iterator[Odd]:
    for side, interlaced in itertools.product((*range(1, 10), *range(32, 41)), (False, True)):
        name = f"s{side:02}{'i' if interlaced else 'n'}3p04"
        yield picture(name, (side, side), 4, PALETTE, interlaced=interlaced)
    for size in ((1, 16_384), (16_384, 1), (3, 1), (1, 3)):
        for depth, colour in ((1, GREY), (8, COLOUR), (16, COLOUR_ALPHA)):
            name = f"{size[0]}x{size[1]}-{colour}-{depth}"
            yield picture(name, size, depth, colour, interlaced=True, kinds=(0,))


def transparent() -> Iterator[Odd]:
    """The one transparent level or colour, transparent palettes, and backgrounds."""
    for depth in DEPTHS[GREY]:
        values = samples(8, 8, 1, depth=depth)
        key = int(values[0, 0, 0])
        colours = grey(values[..., 0], depth)
        colours[values[..., 0] == key] = 255
        chunk = png_chunk(b"tRNS", struct.pack(">H", key))
        data = file((8, 8), depth, GREY, raw(values, depth, False), chunk)
        yield shown(f"png/tbbn0g{depth:02}", data, colours)
    for depth in DEPTHS[PALETTE]:
        values = samples(8, 8, 1, depth=depth)
        alpha = samples(1 << depth, seed=3)
        alpha[len(alpha) // 2 :] = 255  # left out of the chunk
        plte = png_chunk(b"PLTE", palette(depth).astype(np.uint8).tobytes())
        chunk = png_chunk(b"tRNS", alpha[: len(alpha) // 2].astype(np.uint8).tobytes())
        data = file((8, 8), depth, PALETTE, raw(values, depth, True), plte, chunk, interlaced=1)
        colours = on_white(expected(values, depth, PALETTE), alpha[values[..., 0]])
        yield shown(f"png/tm3i3p{depth:02}", data, colours, near=1)
    for depth in (8, 16):
        values = samples(8, 8, 3, depth=depth)
        colours = expected(values, depth, COLOUR)
        colours[0, 0] = 255
        chunk = png_chunk(b"tRNS", struct.pack(">3H", *values[0, 0]))
        data = file((8, 8), depth, COLOUR, raw(values, depth, False), chunk)
        yield shown(f"png/tbrn2c{depth:02}", data, colours)
    for colour, back in ((GREY_ALPHA, bytes(2)), (COLOUR_ALPHA, bytes(6))):
        yield picture(f"bgbn{colour}a08", (32, 32), 8, colour, png_chunk(b"bKGD", back))


def ancillary() -> Iterator[Odd]:
    """Chunks beside the pixels, fair and broken: none of them changes what is seen."""
    chunks = {
        "g03n2c08": png_chunk(b"gAMA", struct.pack(">I", 35_000)),
        "g00-zero": png_chunk(b"gAMA", bytes(4)),
        "ccwn2c08": png_chunk(b"cHRM", struct.pack(">8I", *range(8))),
        "chrm-short": png_chunk(b"cHRM", b"\0\0"),
        "cs3n2c08": png_chunk(b"sBIT", b"\3\3\3"),
        "ch1n2c08": png_chunk(b"hIST", bytes(32)),
        "cdun2c08": png_chunk(b"pHYs", struct.pack(">IIB", 0, 0, 1)),
        "phys-short": png_chunk(b"pHYs", b"\1"),
        "cm0n2c08": png_chunk(b"tIME", bytes(7)),
        "ctzn2c08": png_chunk(b"zTXt", b"Title\0\0" + zlib.compress(b"x" * 99)),
        "ztxt-method": png_chunk(b"zTXt", b"Title\0\x09junk"),
        "text-long": png_chunk(b"tEXt", b"k" * 300 + b"\0v"),
        "text-empty": png_chunk(b"tEXt", b""),
        "itxt-short": png_chunk(b"iTXt", b"a\0\1\0"),
        "ps1n2c08": png_chunk(b"sPLT", b"six\0\10" + bytes(60)),
        "pp0n2c08": png_chunk(b"PLTE", bytes(range(96))),
        "iccp-junk": png_chunk(b"iCCP", b"x\0\0junk"),
        "srgb-empty": png_chunk(b"sRGB", b""),
        "cicp": png_chunk(b"cICP", b"\1\x0d\0\1"),
        "exif2c08": png_chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0\1\0\0\0\0\0\0"),
        "exif-junk": png_chunk(b"eXIf", b"II*\0\xff\xff\xff\xff" + bytes(range(200))),
        "exif-loop": png_chunk(b"eXIf", b"II*\0\x08\0\0\0\0\0\x08\0\0\0"),
        "private": png_chunk(b"raNd", bytes(1000)),
        "bkgd-short": png_chunk(b"bKGD", b""),
    }
    for name, chunk in chunks.items():
        odd = picture(name, (32, 32), 8, COLOUR, chunk)
        yield Odd(odd.name, odd.data, odd.pixels, refused=None if "-" in name else False)


def ordered() -> Iterator[Odd]:
    """Data in many pieces, at each zlib level, and each filter alone."""
    values = samples(32, 32, 3)
    rows, colours = raw(values, 8, False), values.astype(np.uint8)
    for level in (0, 3, 6, 9):
        data = png_chunk(b"IDAT", zlib.compress(rows, level))
        yield shown(f"png/z{level:02}n2c08", wrapped(header((32, 32), 8, 2), data), colours)
    packed_rows = zlib.compress(rows)
    for pieces in (1, 2, 4, 500):
        cut = -(-len(packed_rows) // pieces)
        parts = [packed_rows[i : i + cut] for i in range(0, len(packed_rows), cut)]
        data = b"".join(png_chunk(b"IDAT", part) for part in parts)
        yield shown(f"png/oi{pieces}n2c08", wrapped(header((32, 32), 8, 2), data), colours)
    yield from (picture(f"f0{k}n2c08", (32, 32), 8, COLOUR, kinds=(k,)) for k in ALL_FILTERS)


def broken() -> Iterator[Odd]:
    """PngSuite's x files, and more; all but a wrong checksum of intact data must be refused."""
    values = samples(32, 32, 1)
    rows = raw(values, 8, False)
    good = file((32, 32), 8, GREY, rows)
    data = png_chunk(b"IDAT", zlib.compress(rows))

    def bad(name: str, file: bytes) -> Odd:
        return Odd(f"png/{name}", file, refused=True)

    yield bad("xs1n0g01", b"\x09" + good[1:])
    yield bad("xs2n0g01", good[:5] + good[6:])
    yield bad("xs7n0g01", b"\x88" + good[1:])
    yield bad("xcrn0g04", good.replace(b"\n", b"\r\n"))
    yield bad("xlfn0g04", good.replace(b"\r\n", b"\n"))
    yield bad("xhdn0g08", spoilt(good, 29, ">I", 0))
    for colour in (1, 5, 7, 9):
        yield bad(f"xc{colour}n0g08", file((32, 32), 8, colour, rows))
    for depth in (0, 3, 99):
        yield bad(f"xd{depth}n2c08", file((32, 32), depth, COLOUR, rows))
    yield bad("x-depth-1-colour", file((32, 32), 1, COLOUR, rows))
    yield bad("xdtn0g01", wrapped(header((32, 32), 8, GREY)))
    yield Odd("png/x-no-palette", file((32, 32), 8, PALETTE, rows))
    yield Odd("png/xcsn0g01", good.replace(data, data[:-4] + bytes(4)), grey(values[..., 0], 8))
    yield Odd(
        "png/x-adler",
        wrapped(header((32, 32), 8, GREY), png_chunk(b"IDAT", zlib.compress(rows)[:-4] + bytes(4))),
        grey(values[..., 0], 8),
    )
    yield bad("x-few-rows", file((32, 32), 8, GREY, rows[: 33 * 20]))
    passes = raw(values, 8, True)
    for left in (33, 18, 300, 600, 1000):
        yield bad(f"x-few-passes-{left}", file((32, 32), 8, GREY, passes[:-left], interlaced=1))
    yield Odd("png/x-many-rows", file((32, 32), 8, GREY, rows + rows), grey(values[..., 0], 8))
    yield bad("x-filter-9", file((32, 32), 8, GREY, b"\x09" + rows[1:]))
    yield bad("x-interlace-7", file((32, 32), 8, GREY, rows, interlaced=7))
    yield bad("x-0x0", file((0, 0), 8, GREY, b""))
    yield bad("x-wide", file((2**31, 1), 8, GREY, rows))
    yield bad("x-negative", file((2**32 - 1, 2**32 - 1), 8, GREY, rows))
    yield bad("x-no-stream", wrapped(header((32, 32), 8, GREY), png_chunk(b"IDAT", b"junk" * 9)))
    yield bad("x-empty-idat", wrapped(header((32, 32), 8, GREY), png_chunk(b"IDAT", b"")))
    yield Odd("png/x-two-headers", wrapped(header((1, 1), 8, 0), header((32, 32), 8, 0), data))
    yield Odd("png/x-short-plte", file((32, 32), 8, PALETTE, rows, png_chunk(b"PLTE", bytes(9))))
    yield Odd("png/x-odd-plte", file((32, 32), 8, PALETTE, rows, png_chunk(b"PLTE", bytes(10))))
    yield Odd(
        "png/x-long-trns",
        file(
            (32, 32),
            8,
            PALETTE,
            rows,
            png_chunk(b"PLTE", bytes(768)),
            png_chunk(b"tRNS", bytes(999)),
        ),
    )
    yield Odd("png/x-trns-empty", file((32, 32), 8, GREY, rows, png_chunk(b"tRNS", b"")))
    yield Odd(
        "png/x-trns-alpha",
        file(
            (16, 16), 8, 6, raw(samples(16, 16, 4), 8, False), png_chunk(b"tRNS", b"\0\1\0\2\0\3")
        ),
    )


def animated() -> Iterator[Odd]:
    values = samples(16, 16, 3)
    colours, rows = values.astype(np.uint8), raw(values, 8, False)
    head, data = header((16, 16), 8, COLOUR), png_chunk(b"IDAT", zlib.compress(rows))
    control = struct.pack(">IIIIIHHBB", 0, 16, 16, 0, 0, 1, 10, 0, 0)
    for count in (0, 1, 5000):
        counted = png_chunk(b"acTL", struct.pack(">II", count, 0))
        yield Odd(
            f"png/apng-{count}", wrapped(head, counted, png_chunk(b"fcTL", control), data), colours
        )
    later = png_chunk(b"fcTL", spoilt(control, 4, ">IIII", 99, 99, 2**31 - 1, 5))
    frame = png_chunk(b"fdAT", b"\0\0\0\2" + zlib.compress(rows))
    counted = png_chunk(b"acTL", struct.pack(">II", 2, 0))
    yield Odd("png/apng-outside", wrapped(head, counted, later, data, later, frame), colours)
    yield Odd("png/apng-hidden", wrapped(head, counted, data, png_chunk(b"fcTL", control), frame))


def files() -> Iterator[Odd]:
    for category in (basic, sizes, transparent, ancillary, ordered, broken, animated):
        yield from category()
