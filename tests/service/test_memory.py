"""Decoding takes no more memory than its header made us reserve, whatever the file."""

import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from service.settings import Settings
from tests.images import encode

SIDE = 2800  # pixels; large enough that the interpreter's own memory does not show
TURNED = Image.Exif()
TURNED[0x0112] = 6
STRIPS = 8_000_000  # bytes that composing by strips and the decoders' own tables may add
ALLOWED_ABOVE_IDLE = 512 * 2**20
TOGETHER = "together"


def grey() -> Image.Image:
    ramp = np.add.outer(np.arange(SIDE), np.arange(SIDE)) // 16 % 256
    return Image.fromarray(ramp.astype(np.uint8))


def deep() -> Image.Image:
    return Image.fromarray(np.asarray(grey()).astype(np.uint16) * 257)


def files() -> Iterator[tuple[str, bytes]]:
    """The worst of each format."""
    picture = grey().convert("RGB")
    clear = Image.merge("RGBA", [grey()] * 4)
    palette = grey().quantize(16)
    progressive = {"progressive": True, "exif": TURNED}
    yield "progressive jpeg", encode(picture, "JPEG", subsampling=0, **progressive)
    yield "progressive cmyk jpeg", encode(clear.convert("CMYK"), "JPEG", **progressive)
    yield "transparent png", encode(clear, "PNG", compress_level=1, exif=TURNED)
    yield "palette png", encode(palette, "PNG", compress_level=1, transparency=3)
    yield "16-bit png", encode(deep(), "PNG", compress_level=1)
    yield "gif", encode(palette, "GIF", transparency=3)
    yield "bmp", encode(picture, "BMP")
    yield (
        "tiff in one strip",
        encode(clear, "TIFF", compression="tiff_lzw", tiffinfo={278: SIDE, 274: 6}),
    )
    yield "lossy webp", encode(picture, "WEBP", method=0, exif=TURNED)
    yield "lossless webp", encode(clear, "WEBP", lossless=True, method=0, quality=0)
    yield "webp of prefix codes", webp_of_codes(512)
    yield "avif", encode(clear, "AVIF", speed=10, subsampling="4:4:4", exif=TURNED)


def webp_of_codes(side: int) -> bytes:
    """A lossless picture with prefix codes of its own for each block of 4×4 pixels."""
    literal = "00001" + "".join("100" if symbol in (1, 11) else "000" for symbol in range(12))
    eights = literal + "0" + "0" * 256  # 256 symbols of eight bits; those between are left out
    single = "1000"  # a code of one symbol
    blocks = (side // 4) ** 2
    numbers = "".join(f"{number & 255:08b}{number >> 8:08b}" for number in range(blocks))
    size = f"{side - 1:014b}"[::-1]
    head = f"{size}{size}0000" + "0" + "0" + "1000" + "0"
    bits = head + eights + "1" + f"{13:07b}"[::-1] + eights + single * 3 + numbers
    bits += single * 5 * blocks
    data = b"\x2f" + int(bits[::-1], 2).to_bytes(len(bits) // 8 + 1, "little")
    data += b"\0" * (len(data) % 2)
    return b"RIFF" + struct.pack("<I4s4sI", len(data) + 12, b"WEBP", b"VP8L", len(data)) + data


@pytest.fixture(scope="module")
def peaks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, int]]:
    """Bytes taken and bytes reserved, by file; and of all of them, twice, at once."""
    folder = tmp_path_factory.mktemp("images")
    names = []
    for name, data in files():
        names.append(name)
        (folder / name).write_bytes(data)
    printed = subprocess.run(
        [sys.executable, "-m", "tests.service.decode_memory", *(folder / name for name in names)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    ).stdout
    rows = [tuple(map(int, line.split())) for line in printed.splitlines()]
    return dict(zip([*names, TOGETHER], rows, strict=True))  # type: ignore[arg-type]


def test_an_image_takes_what_was_reserved_for_it(peaks: dict[str, tuple[int, int]]) -> None:
    alone = {name: peak for name, peak in peaks.items() if name != TOGETHER}
    assert not {name: peak for name, peak in alone.items() if peak[0] > peak[1] + STRIPS}


def test_what_is_reserved_is_needed(peaks: dict[str, tuple[int, int]]) -> None:
    """Or the budget would let fewer images in than the memory would hold."""
    needed = {"progressive jpeg", "progressive cmyk jpeg", "transparent png", "lossy webp"}
    assert all(peaks[name][0] > 0.8 * peaks[name][1] for name in needed)


def test_many_at_once_stay_below_what_is_promised(peaks: dict[str, tuple[int, int]]) -> None:
    assert peaks[TOGETHER][0] + Settings().max_buffered_bytes < ALLOWED_ABOVE_IDLE
