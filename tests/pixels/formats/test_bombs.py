"""Files that are quick to send and slow or large to decode are refused by their structure."""

import struct
import time

import pytest

from pixels.errors import UnreadableError
from pixels.formats.header import read_header
from tests.images import encode, jpeg, jpeg_segment, png, png_chunk, quarters, tiff

MANY = 2_000_000
GIF = b"GIF89a\1\0\1\0\0\0\0"
BASELINE = jpeg()
SCAN = BASELINE.index(b"\xff\xda")
PROGRESSIVE = encode(quarters(), "JPEG", progressive=True)
LONG_EXIF = jpeg_segment(0xE1, b"Exif\0\0" + bytes(65_000)) * 20
VP8X = b"RIFF\0\0\0\0WEBPVP8X" + struct.pack("<IBxxxBxxBxx", 10, 2, 1, 1)
ONE_PIXEL = {256: [1], 257: [1], 259: [1]}


def bmp(compression: int, side: int) -> bytes:
    header = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 4, compression, 0, 0, 0, 16, 0)
    return b"BM" + struct.pack("<IHHI", 0, 0, 0, 118) + header + bytes(64)


BOMBS = {
    "jpeg of countless segments": BASELINE[:2] + jpeg_segment(0xE5, b"") * MANY,
    "jpeg of padding": BASELINE[:2] + b"\xff" * MANY,
    "jpeg of junk": BASELINE[:2] + bytes(MANY),
    "jpeg of scans": PROGRESSIVE[:-2] + b"\xff\xda\0\x08\1\1\0\1\x3f\x10" * 100,
    "jpeg of metadata": BASELINE[:2] + LONG_EXIF + BASELINE[2:],
    "png of countless chunks": png(1, 1, 8, 0, b"\0\0", png_chunk(b"teSt", b"") * 100_000),
    "png of empty data": png(1, 1, 8, 0, b"\0\0", png_chunk(b"IDAT", b"") * 100_000),
    "png of profiles": png(1, 1, 8, 0, b"\0\0", png_chunk(b"iCCP", b"x\0\0") * 99),
    "gif of tiny blocks": GIF + b"!\xfe" + b"\1x" * MANY,
    "gif of empty comments": GIF + b"!\xfe\0" * MANY,
    "gif of junk": GIF + bytes(MANY),
    "webp of chunks": VP8X + b"ANMF\0\0\0\0" * 100_000,
    "run-length coded bmp": bmp(2, 7000),
    "tiff of rationals": tiff(ONE_PIXEL).replace(b"\1\1\3\0\1\0", b"\x1a\1\5\0\xff\xff"),
    "tiff of strips": tiff(ONE_PIXEL | {273: [8] * 80_000}),
    "tiff of tags": tiff({tag: [1] for tag in range(254, 2000)}),
    "avif of boxes": b"\0\0\0\x10ftypavif\0\0\0\0" + b"\0\0\0\x08free" * 100_000,
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_it_is_refused_in_no_time(name: str) -> None:
    start = time.process_time()
    with pytest.raises(UnreadableError):
        read_header(BOMBS[name])
    assert time.process_time() - start < 0.5


def test_a_strip_counts_as_long_as_it_is() -> None:
    narrow = {256: [4000], 257: [4000], 258: [8], 259: [5], 277: [1]}
    rows = read_header(tiff(narrow | {278: [8]}))
    whole = read_header(tiff(narrow | {278: [4000]}))
    assert whole.working_bytes - rows.working_bytes >= 4000 * 3992


def test_a_tile_counts_even_where_the_image_is_small() -> None:
    tags = ONE_PIXEL | {259: [5], 322: [60_000], 323: [60_000], 324: [8]}
    assert read_header(tiff(tags)).working_bytes > 3_600_000_000


def test_a_chain_of_directories_ends() -> None:
    looped = tiff(ONE_PIXEL, after=8)
    assert read_header(looped).frames == 1
    chain = b"".join(struct.pack("<HI", 0, 100 + 6 * step) for step in range(1, 50_000))
    endless = tiff(ONE_PIXEL, after=100).ljust(100, b"\0") + chain
    assert read_header(endless).frames > 10_000
