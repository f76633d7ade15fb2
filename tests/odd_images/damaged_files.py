"""Good files cut off at many places, and with bits and numbers changed.

What of them is read must be the whole picture where the file is only cut: a part of one, filled up
with black or grey, is no right answer.
"""

import random
from collections.abc import Iterator

import numpy as np
from PIL import Image

from tests.images import encode
from tests.odd_images import gif_files, png_writer, tiff_writer
from tests.odd_images.jpeg_files import smooth
from tests.odd_images.odd import Odd, samples

NOISE = Image.fromarray(samples(24, 31, 3).astype(np.uint8))
EXIF = Image.Exif()
EXIF[0x010E] = "a description"
LOSSLESS = {
    "png": encode(NOISE, "PNG", exif=EXIF),
    "png-interlaced": png_writer.file(
        (31, 24), 8, 2, png_writer.raw(samples(24, 31, 3), 8, True), interlaced=1
    ),
    "bmp": encode(NOISE, "BMP"),
    "tiff": encode(NOISE, "TIFF", exif=EXIF),
    "tiff-lzw": encode(NOISE, "TIFF", compression="tiff_lzw"),
    "tiff-deflate": encode(NOISE, "TIFF", compression="tiff_adobe_deflate"),
    "webp-lossless": encode(NOISE, "WEBP", lossless=True, exif=EXIF),
}
LOSSY = {
    "jpeg": encode(smooth(), "JPEG", quality=95, exif=EXIF),
    "jpeg-progressive": encode(smooth(), "JPEG", quality=95, progressive=True),
    "jpeg-restart": encode(smooth(), "JPEG", quality=95, restart_marker_rows=1),
    "webp": encode(smooth(), "WEBP", quality=95, exif=EXIF),
    "avif": encode(smooth(), "AVIF", quality=95, exif=EXIF),
}
OTHERS = {
    "gif": encode(NOISE.quantize(32), "GIF", save_all=True, append_images=[NOISE.rotate(180)]),
    "gif-interlaced": gif_files.screen(table=gif_files.palette(3).tobytes())
    + gif_files.frame(gif_files.lzw([1] * 400, 3), interlaced=True),
    "tiff-jpeg": encode(smooth(), "TIFF", compression="jpeg"),
    "tiff-group4": encode(NOISE.convert("1"), "TIFF", compression="group4"),
    "tiff-big": tiff_writer.file(
        {256: [8], 257: [8], 258: [8], 277: [1], 262: [1]}, [bytes(64)], big=True
    ),
    "webp-alpha": encode(smooth().convert("RGBA"), "WEBP"),
    "avif-alpha": encode(smooth().convert("RGBA"), "AVIF"),
    "png-palette": encode(NOISE.quantize(16), "PNG", transparency=1),
}
HEADER = 120  # bytes; where most of the sizes and offsets are
NUMBERS = (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\x80", b"\0\1")


def cut(places: int) -> Iterator[Odd]:
    for seeds, right, near in ((LOSSLESS, np.asarray(NOISE), 0), (LOSSY, np.asarray(smooth()), 30)):
        for name, data in seeds.items():
            for place in sorted({round(len(data) * i / places) for i in range(places)}):
                yield Odd(f"cut/{name}-{place}", data[:place], right, near)
            for left in (1, 2, 3, 4, 8, 12, 16):
                yield Odd(f"cut/{name}-less-{left}", data[:-left], right, near)
    for name, data in OTHERS.items():
        for place in sorted({round(len(data) * i / places) for i in range(places)}):
            yield Odd(f"cut/{name}-{place}", data[:place])


def flipped(count: int) -> Iterator[Odd]:
    """One bit each in the header, then several anywhere, then numbers where they hurt."""
    for name, data in (LOSSLESS | LOSSY | OTHERS).items():
        chance = random.Random(name)
        for turn in range(count):
            changed = bytearray(data)
            changed[chance.randrange(min(HEADER, len(data)))] ^= 1 << chance.randrange(8)
            yield Odd(f"flip/{name}-header-{turn}", bytes(changed))
            for _ in range(chance.randint(1, 5)):
                changed[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            yield Odd(f"flip/{name}-{turn}", bytes(changed))
            place, number = chance.randrange(min(HEADER, len(data))), chance.choice(NUMBERS)
            replaced = data[:place] + number + data[place + len(number) :]
            yield Odd(f"flip/{name}-number-{turn}", replaced)


def files(times: int = 1) -> Iterator[Odd]:
    """``times`` as many as a quick test has."""
    yield from cut(16 * times)
    yield from flipped(10 * times)
