"""JPEG: sampling, colour models, scans and markers, and streams that break off (ITU T.81)."""

import io
import itertools
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageOps

from tests.images import encode, jpeg, jpeg_segment, quarters
from tests.odd_images.odd import Odd, shown, spoilt

FRAME, SCAN, END = b"\xff\xc0", b"\xff\xda", b"\xff\xd9"
APP14 = b"Adobe\0\x64\0\0\0\0"


def smooth(width: int = 64, height: int = 48) -> Image.Image:
    """Ramps in three channels: what any sampling of colours keeps."""
    down, across = np.mgrid[0:height, 0:width]
    return Image.fromarray(
        np.stack([across * 255 / width, down * 255 / height, 0 * down + 90], axis=2).astype(
            np.uint8
        )
    )


def good() -> Iterator[Odd]:
    picture = smooth()
    right = np.asarray(picture)
    for sampling, progressive, optimize in itertools.product(
        (0, 1, 2), (False, True), (False, True)
    ):
        data = encode(
            picture,
            "JPEG",
            quality=95,
            subsampling=sampling,
            progressive=progressive,
            optimize=optimize,
        )
        yield shown(f"jpeg/sampling-{sampling}-{progressive}-{optimize}", data, right, 12)
    for rows in (1, 2, 7):
        data = encode(picture, "JPEG", quality=95, restart_marker_rows=rows)
        yield shown(f"jpeg/restart-{rows}", data, right, 12)
    level = picture.convert("L")
    yield shown(
        "jpeg/grey", encode(level, "JPEG", quality=95), np.asarray(level.convert("RGB")), 12
    )
    rgb = encode(picture, "JPEG", quality=95, keep_rgb=True)
    yield shown("jpeg/rgb", rgb, right, 12)
    inks = picture.convert("CMYK")
    for progressive in (False, True):
        data = encode(inks, "JPEG", quality=95, progressive=progressive)
        yield shown(f"jpeg/cmyk-{progressive}", data, right, 14)
    yield shown("jpeg/ycck", _ycck(picture), right, 14)
    for size in ((1, 1), (7, 9), (8, 8), (17, 33), (1, 16_384), (16_384, 1)):
        data = encode(smooth(*size), "JPEG", quality=95, subsampling=0)
        yield shown(f"jpeg/{size[0]}x{size[1]}", data, np.asarray(smooth(*size)), 24)


def _ycck(picture: Image.Image) -> bytes:
    """Adobe's transform 2: the inks as YCbCr, and no black, which Adobe stores as 255."""
    inks = ImageOps.invert(picture).convert("YCbCr")
    bands = [*inks.split(), Image.new("L", picture.size, 255)]
    # Pillow writes CMYK inverted, so it gets the complement of what is to be stored.
    stored = Image.merge("CMYK", [band.point(lambda level: 255 - level) for band in bands])
    data = encode(stored, "JPEG", quality=95)
    place = data.index(b"Adobe") + 11
    return spoilt(data, place, "B", 2)


def markers() -> Iterator[Odd]:
    """Segments that are odd, and a picture that is whole."""
    data = jpeg()
    plain = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    head, body = data[:2], data[2:]
    cut = data.index(SCAN)
    odd = {
        "fill-bytes": head + b"\xff" * 40 + body,
        "junk-after": data + bytes(5000),
        "zip-after": data + b"PK\3\4" + bytes(200),
        "jpeg-after": data + jpeg(16, 16),
        "two-starts": head + data,
        "comment": head + jpeg_segment(0xFE, b"\0<script>\xff\xfe") + body,
        "icc-cut": head + jpeg_segment(0xE2, b"ICC_PROFILE\0\1\5short") + body,
        "icc-zero": head + jpeg_segment(0xE2, b"ICC_PROFILE\0\0\0") + body,
        "jfif-short": head + jpeg_segment(0xE0, b"JFIF\0") + body,
        "adobe-short": head + jpeg_segment(0xEE, b"Adobe") + body,
        "exif-loop": head + jpeg_segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\0\0\x08\0\0\0") + body,
        "exif-junk": head + jpeg_segment(0xE1, b"Exif\0\0" + bytes(range(256))) + body,
        "exif-empty": head + jpeg_segment(0xE1, b"Exif\0\0") + body,
        "photoshop": head
        + jpeg_segment(0xED, b"Photoshop 3.0\x008BIM\x03\xed\0\0\xff\xff\xff\xff")
        + body,
        "mpf": head + jpeg_segment(0xE2, b"MPF\0II*\0\x08\0\0\0" + b"\xff" * 40) + body,
        "orientation-9": jpeg(orientation=9),
        "orientation-0": jpeg(orientation=0),
        "no-end": data[:-2],
    }
    for name, file in odd.items():
        yield Odd(f"jpeg/{name}", file, plain, 2)
    yield Odd("jpeg/adobe-99", head + jpeg_segment(0xEE, APP14 + b"\x63") + body)
    yield Odd("jpeg/arithmetic-table", data[:cut] + jpeg_segment(0xCC, b"\0\x10") + data[cut:])
    tables = data.index(b"\xff\xc4")
    yield Odd("jpeg/no-huffman-tables", data[:tables] + data[cut:])
    quantisation = data.index(b"\xff\xdb")
    yield Odd("jpeg/no-quantisation", data[:quantisation] + data[data.index(FRAME) :])
    yield Odd("jpeg/scans-twice", data[:-2] + data[cut:])
    yield Odd("jpeg/restart-of-1", data[:cut] + jpeg_segment(0xDD, b"\0\1") + data[cut:])
    scan = encode(quarters(), "JPEG", progressive=True)[:-2]
    for count in (20, 60, 100, 5000):
        yield Odd(f"jpeg/scans-{count}", scan + b"\xff\xda\0\x08\1\1\0\1\x3f\0" * count + END)


def frames() -> Iterator[Odd]:
    """Frame headers that cannot be, or that no decoder here reads."""
    data = jpeg()
    place = data.index(FRAME)
    for kind in (0xC3, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF):
        yield Odd(f"jpeg/frame-{kind:x}", spoilt(data, place + 1, "B", kind), refused=True)
    yield Odd("jpeg/frame-c1", spoilt(data, place + 1, "B", 0xC1))
    yield Odd("jpeg/frame-c2", spoilt(data, place + 1, "B", 0xC2))
    for precision in (0, 2, 7, 9, 12, 16, 255):
        yield Odd(
            f"jpeg/precision-{precision}", spoilt(data, place + 4, "B", precision), refused=True
        )
    for size in ((0, 64), (48, 0), (0, 0), (65_535, 65_535), (65_500, 700)):
        yield Odd(
            f"jpeg/size-{size[1]}x{size[0]}", spoilt(data, place + 5, ">HH", *size), refused=True
        )
    for size in ((6000, 8000), (480, 640), (10, 10), (49, 65)):
        yield Odd(f"jpeg/size-{size[1]}x{size[0]}", spoilt(data, place + 5, ">HH", *size))
    for count in (0, 2, 5, 255):
        yield Odd(f"jpeg/components-{count}", spoilt(data, place + 9, "B", count), refused=True)
    for count in (1, 4):
        yield Odd(f"jpeg/components-{count}", spoilt(data, place + 9, "B", count))
    for factors in (0x00, 0x01, 0x10, 0x13, 0x31, 0x33, 0x41, 0x14, 0x44, 0x55, 0xFF):
        yield Odd(f"jpeg/sampling-{factors:02x}", spoilt(data, place + 11, "B", factors))
        yield Odd(f"jpeg/chroma-{factors:02x}", spoilt(data, place + 14, "B", factors))
    yield Odd("jpeg/same-components", spoilt(data, place + 13, "B", 1))
    yield Odd("jpeg/table-9", spoilt(data, place + 12, "B", 9))
    yield Odd("jpeg/start-alone", b"\xff\xd8\xff", refused=True)
    yield Odd("jpeg/start-and-end", b"\xff\xd8\xff\xd9", refused=True)
    yield Odd("jpeg/no-scan", data[: data.index(SCAN)] + END, refused=True)
    yield Odd("jpeg/length-0", spoilt(data, 4, ">H", 0))
    yield Odd("jpeg/length-past-the-end", spoilt(data, 4, ">H", 65_535), refused=True)


def files() -> Iterator[Odd]:
    for category in (good, markers, frames):
        yield from category()
