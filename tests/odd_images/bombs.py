"""Files that are small to send, and long or large to decode: at the limits, and beyond them."""

import struct
import zlib
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from PIL import Image

from tests.images import encode, jpeg_segment, png_chunk
from tests.odd_images import bmp_writer, gif_files, png_writer, tiff_writer, webp_files
from tests.odd_images.odd import Odd, spoilt
from tests.service.test_memory import webp_of_codes

Maker = Callable[[], bytes]


def flat(width: int, height: int, mode: str = "RGB") -> Image.Image:
    return Image.new(mode, (width, height), 0)


def noise(width: int, height: int, mode: str = "RGB") -> Image.Image:
    bands = len(mode)
    levels = np.random.default_rng(0).integers(0, 256, (height, width, bands), np.uint8)
    return Image.fromarray(levels.squeeze())


def png(width: int, height: int, depth: int, colour: int, kind: int, *, interlaced: bool) -> bytes:
    """Zeros behind one filter."""
    bits = png_writer.CHANNELS[colour] * depth
    packer = zlib.compressobj(1)
    data = b""
    passes = png_writer.ADAM7 if interlaced else ((0, 0, 1, 1),)
    for x, y, dx, dy in passes:
        columns, rows = -(-(width - x) // dx), -(-(height - y) // dy)
        line = bytes([kind]) + bytes(-(-columns * bits // 8))
        data += b"".join(packer.compress(line) for _ in range(rows))
    head = png_writer.header((width, height), depth, colour, int(interlaced))
    return png_writer.wrapped(head, png_chunk(b"IDAT", data + packer.flush()))


def packed_chunks(name: bytes, head: bytes, count: int, size: int) -> bytes:
    chunk = png_chunk(name, head + zlib.compress(bytes(size)))
    row = png_chunk(b"IDAT", zlib.compress(b"\0\0"))
    return png_writer.wrapped(png_writer.header((1, 1), 8, 0), *[chunk] * count, row)


def scans(width: int, height: int, count: int, sampling: int = 0) -> bytes:
    data = encode(flat(width, height), "JPEG", progressive=True, subsampling=sampling)
    return data[:-2] + b"\xff\xda\0\x08\1\1\0\1\x3f\0" * count + b"\xff\xd9"


def run_lengths(side: int) -> bytes:
    table = bmp_writer.palette(8)[0]
    data = (b"\1\5" * side + b"\0\0") * side + b"\0\1"
    return bmp_writer.file(8, data, colours=table, compression=1, width=side, height=side)


def tiff_tiles(side: int) -> bytes:
    """Tiles of 16 × 16 that are all the same piece of the file."""
    tile = zlib.compress(bytes(256))
    count = (side // 16) ** 2
    tags = {256: [side], 257: [side], 258: [8], 277: [1], 262: [1], 259: [8], 322: [16], 323: [16]}
    return tiff_writer.file(tags | {324: [8] * count, 325: [len(tile)] * count}, [tile], tiled=True)


def tiff_chain(count: int) -> bytes:
    """A directory after the other, each of one tag."""
    one = struct.pack("<H", 1) + struct.pack("<HHII", 256, 3, 1, 1)
    head = b"II*\0\x08\0\0\0"
    return head + b"".join(one + struct.pack("<I", 8 + 18 * (i + 1)) for i in range(count))


def animated(kind: str, count: int) -> bytes:
    frames = [Image.new("RGB", (8, 8), (i % 256, i // 256, 9)) for i in range(count)]
    return encode(frames[0], kind, save_all=True, append_images=frames[1:])


QUICK: dict[str, Maker] = {
    "png-60000x60000": lambda: spoilt(encode(flat(1, 1)), 16, ">II", 60_000, 60_000),
    "png-of-text": lambda: packed_chunks(b"zTXt", b"a\0\0", 60, 1_000_000),
    "png-of-much-text": lambda: packed_chunks(b"zTXt", b"a\0\0", 500, 1_000_000),
    "png-of-profile": lambda: packed_chunks(b"iCCP", b"a\0\0", 1, 200_000_000),
    "png-of-itxt": lambda: packed_chunks(b"iTXt", b"a\0\1\0\0\0", 1, 200_000_000),
    "png-of-data": lambda: packed_chunks(b"IDAT", b"", 1, 500_000_000),
    "png-exif": lambda: png_writer.file(
        (1, 1), 8, 0, b"\0\0", png_chunk(b"eXIf", b"II*\0" + b"\xff" * 900_000)
    ),
    "apng-of-1000": lambda: animated("PNG", 1000),
    "gif-65535x65535": lambda: gif_files.screen(65_535, 65_535) + b";",
    "gif-of-clears": lambda: (
        gif_files.screen(5000, 5000, bytes(24))
        + gif_files.frame(gif_files.coded([8] * 100_000, 3), 0, 0, 5000, 5000)
    ),
    "gif-of-comments": lambda: gif_files.screen() + b"!\xfe\1x\0" * 9000 + b";",
    "jpeg-scans-60": lambda: scans(2000, 2000, 50),
    "jpeg-scans-5000": lambda: scans(100, 100, 5000),
    "jpeg-segments": lambda: b"\xff\xd8" + jpeg_segment(0xE5, b"x") * 500_000,
    "jpeg-restarts": lambda: encode(flat(64, 64), "JPEG")[:-2] + b"\xff\xd0" * 5_000_000,
    "jpeg-of-ff": lambda: encode(flat(64, 64), "JPEG")[:-2] + b"\xff" * 19_000_000,
    "jpeg-comments": lambda: b"\xff\xd8" + jpeg_segment(0xFE, bytes(60_000)) * 300,
    "bmp-run-lengths": lambda: run_lengths(1000),
    "bmp-deltas": lambda: bmp_writer.file(
        8,
        b"\0\2\0\0" * 900_000,
        colours=bmp_writer.palette(8)[0],
        compression=1,
        width=1000,
        height=1000,
    ),
    "tiff-one-piece-of-tiles": lambda: tiff_tiles(4096),
    "tiff-of-directories": lambda: tiff_chain(9000),
    "tiff-of-more-directories": lambda: tiff_chain(500_000),
    "webp-codes": lambda: webp_of_codes(512),
    "webp-16383": lambda: spoilt(encode(flat(8, 8), "WEBP"), 26, "<HH", 16_383, 16_383),
    "webp-frames": lambda: webp_files.riff(
        webp_files.canvas(9, 9, 2), *[webp_files.chunk(b"ANMF", bytes(24))] * 15_000
    ),
    "avif-sequence": lambda: animated("AVIF", 100),
    "zeros-25-mb": lambda: bytes(25_000_000),
    "jpeg-25-mb": lambda: encode(flat(64, 64), "JPEG") + bytes(25_000_000),
}
SLOW: dict[str, Maker] = {
    "png-rgba16-50mp": partial(png, 10_000, 5_000, 16, 6, 4, interlaced=False),
    "png-rgba16-50mp-interlaced": partial(png, 10_000, 5_000, 16, 6, 4, interlaced=True),
    "png-grey1-50mp-interlaced": partial(png, 10_000, 5_000, 1, 0, 3, interlaced=True),
    "png-palette-50mp": partial(png, 10_000, 5_000, 8, 0, 4, interlaced=False),
    "jpeg-50mp": lambda: encode(flat(10_000, 5_000), "JPEG"),
    "jpeg-20-mb": lambda: encode(noise(6000, 4000), "JPEG", quality=75),
    "jpeg-progressive-40mp": lambda: encode(
        flat(8000, 5000), "JPEG", progressive=True, subsampling=0
    ),
    "jpeg-scans-40mp": partial(scans, 8000, 5000, 50),
    "jpeg-scans-50mp": partial(scans, 10_000, 5000, 50, 2),
    "jpeg-progressive-20-mb": lambda: encode(
        noise(5000, 3000), "JPEG", quality=85, progressive=True
    ),
    "gif-50mp": lambda: encode(flat(10_000, 5_000, "P"), "GIF"),
    "gif-20-mb": lambda: encode(noise(4000, 3500, "L"), "GIF"),
    "bmp-run-lengths-4mp": partial(run_lengths, 2000),
    "bmp-20-mb": lambda: encode(noise(3000, 2200), "BMP"),
    "tiff-lzw-33mp": lambda: encode(flat(6600, 5000), "TIFF", compression="tiff_lzw"),
    "tiff-deflate-50mp": lambda: encode(
        flat(10_000, 5_000), "TIFF", compression="tiff_adobe_deflate"
    ),
    "tiff-group4-50mp": lambda: encode(flat(10_000, 5_000, "1"), "TIFF", compression="group4"),
    "tiff-group4-noise": lambda: encode(
        noise(6000, 4000, "L").convert("1"), "TIFF", compression="group4"
    ),
    "tiff-jpeg-16mp": lambda: encode(noise(4000, 4000), "TIFF", compression="jpeg"),
    "tiff-packbits-50mp": lambda: encode(flat(10_000, 5_000), "TIFF", compression="packbits"),
    "tiff-tiles-50mp": partial(tiff_tiles, 4224),
    "webp-lossless-22mp": lambda: encode(flat(4690, 4690), "WEBP", lossless=True, method=0),
    "webp-lossless-20-mb": lambda: encode(
        noise(2500, 2000, "RGBA"), "WEBP", lossless=True, method=0
    ),
    "webp-lossy-9mp": lambda: encode(noise(3000, 3000), "WEBP", method=0, quality=50),
    "webp-codes-1024": partial(webp_of_codes, 1024),
    "avif-26mp": lambda: encode(flat(5100, 5000), "AVIF", speed=10),
    "avif-noise-9mp": lambda: encode(noise(3000, 3000), "AVIF", speed=10, subsampling="4:4:4"),
    "avif-noise-rgba-16mp": lambda: encode(
        noise(4000, 4000, "RGBA"), "AVIF", speed=10, subsampling="4:4:4", quality=40
    ),
}


def files(makers: dict[str, Maker] = QUICK) -> Iterator[Odd]:
    """Made as they are asked for: some are long to make as well."""
    yield from (Odd(f"bomb/{name}", make()) for name, make in makers.items())
