"""WebP and AVIF: containers that say something else than the stream in them.

Sources: RFC 9649; ISO/IEC 14496-12 and 23008-12.
"""

import struct
from collections.abc import Iterator

import numpy as np
from PIL import Image

from tests.images import encode
from tests.odd_images.jpeg_files import smooth
from tests.odd_images.odd import Odd, on_white, samples, shown, spoilt
from tests.odd_images.tiff_files import TURNS


def riff(*chunks: bytes) -> bytes:
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def canvas(width: int, height: int, flags: int = 0) -> bytes:
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return chunk(b"VP8X", struct.pack("<I", flags) + sides)


def webp() -> Iterator[Odd]:
    values = samples(30, 40, 4)
    clear = Image.fromarray(values.astype(np.uint8))
    solid = clear.convert("RGB")
    lossless = encode(solid, "WEBP", lossless=True)
    right = np.asarray(solid)
    lossy = encode(smooth(), "WEBP", quality=95)
    yield shown("webp/lossless", lossless, right)
    yield shown(
        "webp/lossless-alpha",
        encode(clear, "WEBP", lossless=True, exact=True),
        on_white(right, values[..., 3]),
        1,
    )
    yield shown("webp/lossy", lossy, np.asarray(smooth()), 16)
    for size in ((1, 1), (1, 16_383), (16_383, 1)):
        data = encode(smooth(*size), "WEBP", lossless=True)
        yield shown(f"webp/{size[0]}x{size[1]}", data, np.asarray(smooth(*size)))
    for turn, change in TURNS.items():
        data = encode(solid, "WEBP", lossless=True, exif=_exif(turn))
        yield shown(f"webp/orientation-{turn}", data, change(right))
    picture = lossless[12:]
    moving = encode(solid, "WEBP", lossless=True, save_all=True, append_images=[smooth(40, 30)])
    cases = {
        "canvas-larger": riff(canvas(400, 300), picture),
        "canvas-smaller": riff(canvas(4, 3), picture),
        "canvas-huge": riff(canvas(1 << 24, 1 << 24), picture),
        "canvas-alone": riff(canvas(40, 30)),
        "flags": riff(canvas(40, 30, 0xFF), picture),
        "two-pictures": riff(canvas(40, 30), picture, lossy[12:]),
        "alpha-of-junk": riff(canvas(64, 48, 16), chunk(b"ALPH", b"\xff" * 60), lossy[12:]),
        "alpha-raw": riff(canvas(64, 48, 16), chunk(b"ALPH", b"\0" + bytes(64 * 48)), lossy[12:]),
        "alpha-short": riff(canvas(64, 48, 16), chunk(b"ALPH", b"\0" + bytes(64)), lossy[12:]),
        "alpha-empty": riff(canvas(64, 48, 16), chunk(b"ALPH", b""), lossy[12:]),
        "riff-length-0": spoilt(lossless, 4, "<I", 0),
        "riff-length-huge": spoilt(lossless, 4, "<I", 2**32 - 1),
        "chunk-length-0": spoilt(lossless, 16, "<I", 0),
        "chunk-length-huge": spoilt(lossless, 16, "<I", 2**32 - 10),
        "version-7": spoilt(lossless, 24, "B", lossless[24] | 0xE0),
        "vp8-of-0x0": spoilt(lossy, 26, "<HH", 0, 0),
        "vp8-of-16383x16383": spoilt(lossy, 26, "<HH", 16_383, 16_383),
        "vp8-of-4000x4000": spoilt(lossy, 26, "<HH", 4000, 4000),
        "vp8-inter-frame": spoilt(lossy, 20, "B", lossy[20] | 1),
        "junk-after": lossless + bytes(1000),
        "unknown-chunk": riff(canvas(40, 30), chunk(b"XYZ ", b"1234567"), picture),
        "icc-of-junk": riff(canvas(40, 30, 32), chunk(b"ICCP", b"junk" * 50), picture),
        "exif-of-junk": riff(canvas(40, 30, 8), picture, chunk(b"EXIF", b"II*\0" + b"\xff" * 50)),
        "xmp-of-junk": riff(canvas(40, 30, 4), picture, chunk(b"XMP ", b"<x:xmpmeta" * 50)),
        "animated": moving,
        "no-frames": riff(canvas(40, 30, 2), chunk(b"ANIM", bytes(6))),
        "frame-outside": moving.replace(
            b"ANMF" + moving[moving.index(b"ANMF") + 4 :][:4], b"ANMF" + struct.pack("<I", 5), 1
        ),
    }
    yield from (Odd(f"webp/{name}", data) for name, data in cases.items())


def _exif(turn: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = turn
    return exif


def avif() -> Iterator[Odd]:
    picture = smooth()
    right = np.asarray(picture)
    for sampling in ("4:2:0", "4:2:2", "4:4:4"):
        data = encode(picture, "AVIF", quality=95, subsampling=sampling)
        yield shown(f"avif/{sampling}", data, right, 16)
    level = picture.convert("L")
    yield shown(
        "avif/grey", encode(level, "AVIF", quality=95), np.asarray(level.convert("RGB")), 12
    )
    yield shown(
        "avif/full-range-4:0:0",
        encode(level, "AVIF", quality=95, subsampling="4:0:0"),
        np.asarray(level.convert("RGB")),
        12,
    )
    for turn, change in TURNS.items():
        data = encode(picture, "AVIF", quality=95, exif=_exif(turn))
        yield shown(f"avif/orientation-{turn}", data, change(right), 16)
    for size in ((1, 1), (1, 4096), (4096, 1)):
        yield Odd(f"avif/{size[0]}x{size[1]}", encode(smooth(*size), "AVIF"))
    data = encode(picture, "AVIF", quality=95)
    cases = {
        "mif1": data.replace(b"ftypavif", b"ftypmif1"),
        "heic-brand": data.replace(b"ftypavif", b"ftypheic"),
        "no-boxes": data[:32],
        "primary-9": data.replace(b"pitm\0\0\0\0\0\1", b"pitm\0\0\0\0\0\x09"),
        "no-meta": data.replace(b"meta", b"free"),
        "no-config": data.replace(b"av1C", b"free"),
        "ispe-huge": _with_size(data, 65_535, 65_535),
        "ispe-small": _with_size(data, 1, 1),
        "ispe-large": _with_size(data, 4000, 4000),
        "ispe-0": _with_size(data, 0, 0),
        "item-is-grid": data.replace(b"infe\2\0\0\0\0\1\0\0av01", b"infe\2\0\0\0\0\1\0\0grid"),
        "item-is-hevc": data.replace(b"infe\2\0\0\0\0\1\0\0av01", b"infe\2\0\0\0\0\1\0\0hvc1"),
        "data-0": data[: data.index(b"mdat") + 4] + bytes(500),
        "data-ff": data[: data.index(b"mdat") + 4] + b"\xff" * 500,
        "junk-after": data + bytes(1000),
        "sequence": encode(picture, "AVIF", save_all=True, append_images=[picture] * 5),
    }
    yield from (Odd(f"avif/{name}", file) for name, file in cases.items())


def _with_size(data: bytes, width: int, height: int) -> bytes:
    return spoilt(data, data.index(b"ispe") + 8, ">II", width, height)


def files() -> Iterator[Odd]:
    yield from webp()
    yield from avif()
