"""No image of a kind that is read: other formats, archives, pages; and files of two kinds."""

import gzip
import io
import zipfile
from collections.abc import Iterator

import numpy as np
from PIL import Image

from tests.images import encode, jpeg, quarters
from tests.odd_images.odd import Odd

SCRIPT = (
    b"push graphic-context\nviewbox 0 0 640 480\nfill 'url(https://127.0.0.1/x.jpg\"|ls \"-la)'\n"
)
SVG = (
    b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa">]>'
    b'<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10">&a;</svg>'
)
PILLOWS = (
    "BLP",
    "DDS",
    "EPS",
    "GIF",
    "ICNS",
    "ICO",
    "JPEG2000",
    "MSP",
    "PCX",
    "PDF",
    "PPM",
    "SGI",
    "SPIDER",
    "TGA",
    "XBM",
)
MODES = {"MSP": "1", "XBM": "1", "SPIDER": "F", "BLP": "P", "EPS": "RGB"}


def kinds() -> Iterator[Odd]:
    for kind in PILLOWS:
        picture = quarters(32, 32).convert(MODES.get(kind, "RGB"))
        yield Odd(f"foreign/{kind.lower()}", encode(picture, kind), refused=kind != "GIF")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writer:
        writer.writestr(zipfile.ZipInfo("photo.jpg"), jpeg())
    cases = {
        "empty": b"",
        "one-byte": b"\xff",
        "newline": b"\n",
        "zeros": bytes(15_000_000),
        "ff": b"\xff" * 1_000_000,
        "text": "Grüße, 世界\n".encode() * 1000,
        "utf-16": "\ufeffhello".encode("utf-16"),
        "html": b"<!DOCTYPE html><img src=x onerror=alert(1)>",
        "svg": SVG,
        "svgz": gzip.compress(SVG, mtime=0),
        "json": b'{"image": "aGVsbG8="}',
        "zip": archive.getvalue(),
        "gzip-of-jpeg": gzip.compress(jpeg(), mtime=0),
        "gzip-bomb": gzip.compress(bytes(10_000_000), mtime=0),
        "heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200),
        "mp4": b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41\0\0\0\x08free" + bytes(200),
        "psd": b"8BPS\0\1" + bytes(6) + b"\0\3\0\0\0\1\0\0\0\1\0\x08\0\3" + bytes(14),
        "exr": b"\x76\x2f\x31\x01\2\0\0\0channels\0chlist\0" + bytes(60),
        "hdr": b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 1 +X 1\n\x80\x80\x80\x80",
        "jpeg-xl": b"\xff\x0a" + bytes(60),
        "jpeg-xl-box": b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(60),
        "jpeg-ls": b"\xff\xd8\xff\xf7\0\x0b\x08\0\1\0\1\1\1\x11\0" + bytes(20),
        "flif": b"FLIF31\0\0" + bytes(20),
        "farbfeld": b"farbfeld\0\0\0\1\0\0\0\1" + bytes(8),
        "qoi": b"qoif\0\0\0\1\0\0\0\1\3\0\xfe\1\2\3" + bytes(7) + b"\1",
        "wmf": b"\xd7\xcd\xc6\x9a" + bytes(60),
        "emf": b"\1\0\0\0" + bytes(36) + b" EMF" + bytes(60),
        "cur": b"\0\0\2\0\1\0" + bytes(16),
        "raw-canon": b"II*\0\x10\0\0\0CR\2\0" + bytes(60),
        "dicom": bytes(128) + b"DICM" + bytes(60),
        "fits": b"SIMPLE  =                    T".ljust(2880),
        "elf": b"\x7fELF\2\1\1" + bytes(100),
        "mz": b"MZ" + bytes(100),
        "imagetragick-mvg": SCRIPT,
        "imagetragick-msl": b'<?xml version="1.0"?><image><read filename="/etc/passwd"/></image>',
        "ghostscript": b"%!PS\nuserdict /setpagedevice undef { null restore } stopped { pop } if\n",
        "label": b"label:@/etc/passwd",
        "pickle": b"\x80\x04\x95\x0b\0\0\0",
        "numpy": b"\x93NUMPY\x01\0v\0{'descr': '|u1'}",
    }
    yield from (Odd(f"foreign/{name}", data, refused=True) for name, data in cases.items())


def magics() -> Iterator[Odd]:
    """A right beginning, and nothing right after it."""
    starts = {
        "jpeg": b"\xff\xd8\xff\xe0",
        "png": b"\x89PNG\r\n\x1a\n",
        "gif": b"GIF89a",
        "webp": b"RIFF\x40\0\0\0WEBP",
        "webp-vp8": b"RIFF\x40\0\0\0WEBPVP8 ",
        "webp-vp8l": b"RIFF\x40\0\0\0WEBPVP8L",
        "webp-vp8x": b"RIFF\x40\0\0\0WEBPVP8X",
        "tiff": b"II*\0",
        "bigtiff": b"MM\0+",
        "bmp": b"BM",
        "avif": b"\0\0\0\x1cftypavif",
    }
    chance = np.random.default_rng(0).bytes(3000)
    for name, start in starts.items():
        for filler, rest in (("nothing", b""), ("zeros", bytes(3000)), ("ff", b"\xff" * 3000)):
            yield Odd(f"magic/{name}-{filler}", start + rest, refused=True)
        yield Odd(f"magic/{name}-noise", start + chance)
        yield Odd(f"magic/{name}-html", start + b"<script>alert(1)</script>" * 40, refused=True)


def two_kinds() -> Iterator[Odd]:
    """The first bytes decide; what else the file may be to others does not count."""
    plain = np.asarray(quarters())
    png, gif = encode(quarters()), encode(quarters(), "GIF")
    yield Odd("two/png-jpeg", png + jpeg(), plain)
    yield Odd("two/png-zip", png + b"PK\5\6" + bytes(18), plain)
    yield Odd("two/gif-javascript", gif + b"*/=1;alert(1)//", plain)
    yield Odd("two/pdf-jpeg", b"%PDF-1.4\n" + jpeg(), refused=True)
    yield Odd("two/html-png", b"<html>" + png, refused=True)
    yield Odd("two/bom-png", b"\xef\xbb\xbf" + png, refused=True)
    yield Odd("two/newline-jpeg", b"\r\n" + jpeg(), refused=True)
    icon = io.BytesIO()
    Image.new("RGBA", (16, 16)).save(icon, "ICO", bitmap_format="bmp")
    yield Odd("two/ico-bmp", icon.getvalue(), refused=True)


def files() -> Iterator[Odd]:
    for category in (kinds, magics, two_kinds):
        yield from category()
