"""Files with numbers changed where it hurts: an image or our own error comes out, and soon."""

import contextlib
import random
import struct
import time

import numpy as np
import pytest
from PIL import Image

from pixels.decode import decode
from pixels.errors import TooLargeError, UnreadableError
from pixels.limits import Limits
from tests.images import encode, jpeg, quarters

EXIF = Image.Exif()
EXIF[0x0112] = 6
PLAIN = quarters(16, 12)
SEEDS = {
    "jpeg": jpeg(16, 12, orientation=6),
    "progressive jpeg": encode(PLAIN, "JPEG", progressive=True),
    "png": encode(PLAIN, "PNG", exif=EXIF),
    "palette png": encode(PLAIN.quantize(4), "PNG", transparency=1),
    "webp": encode(PLAIN, "WEBP", exif=EXIF),
    "lossless webp": encode(PLAIN.convert("RGBA"), "WEBP", lossless=True),
    "gif": encode(PLAIN, "GIF", save_all=True, append_images=[PLAIN.rotate(180)]),
    "bmp": encode(PLAIN, "BMP"),
    "tiff": encode(PLAIN, "TIFF", exif=EXIF),
    "lzw tiff": encode(PLAIN, "TIFF", compression="tiff_lzw"),
    "jpeg tiff": encode(PLAIN, "TIFF", compression="jpeg"),
    "avif": encode(PLAIN.convert("RGBA"), "AVIF", exif=EXIF),
}  # fmt: skip
NUMBERS = [b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\0", b"\0\0\xff\xff", b"\xff\xff"]
NUMBERS += [struct.pack("<I", 70_000), b"\x80", b"\1"]
HEADER = 400  # bytes; where sizes and offsets are
LIMITS = Limits(max_pixels=1_000_000, max_decode_bytes=30_000_000)


def survives(data: bytes) -> None:
    """Decode, for at most a second of the processor."""
    start = time.thread_time()
    with contextlib.suppress(TooLargeError, UnreadableError):
        image = decode(data, LIMITS)
        assert np.asarray(image).shape == (image.height, image.width, 3)
    assert time.thread_time() - start < 1


@pytest.mark.parametrize("name", SEEDS)
def test_odd_numbers_in_a_header_do_no_harm(name: str) -> None:
    seed = SEEDS[name]
    for offset in range(min(HEADER, len(seed))):
        for number in NUMBERS:
            survives(seed[:offset] + number + seed[offset + len(number) :])


@pytest.mark.parametrize("name", SEEDS)
def test_cut_and_spliced_files_do_no_harm(name: str) -> None:
    chance = random.Random(name)
    seeds = list(SEEDS.values())
    for _ in range(150):
        data = bytearray(SEEDS[name])
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        cut = chance.randrange(len(data))
        other = chance.choice(seeds)
        survives(bytes(data))
        survives(bytes(data[:cut]))
        survives(bytes(data[:cut]) + other[chance.randrange(len(other)) :])
