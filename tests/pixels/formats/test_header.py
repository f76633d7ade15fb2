"""Sizes and frames are read off the header of every format, as Pillow will find them."""

import io

import pytest
from PIL import Image

from pixels.errors import UnreadableError
from pixels.formats.header import read_header
from tests.images import encode, jpeg, jpeg_segment, png_chunk, quarters, tiff

KINDS = ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"]
ANIMATED = ["GIF", "WEBP", "PNG", "TIFF", "AVIF"]
MODES = {
    "JPEG": "L CMYK",
    "PNG": "1 L LA P RGBA I;16",
    "WEBP": "L RGBA",
    "GIF": "1 L P RGBA",
    "BMP": "1 L P RGBA",
    "TIFF": "1 L LA P RGBA CMYK I;16",
    "AVIF": "L RGBA",
}
FRAMES = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green", "blue")]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(1, 1), (2, 300), (301, 2), (640, 480)])
def test_the_size_is_that_of_the_file(kind: str, size: tuple[int, int]) -> None:
    header = read_header(encode(quarters(*size), kind))
    assert (header.kind, header.width, header.height, header.frames) == (kind, *size, 1)


@pytest.mark.parametrize(
    ("kind", "mode"), [(kind, mode) for kind, modes in MODES.items() for mode in modes.split()]
)
def test_the_size_does_not_depend_on_the_mode(kind: str, mode: str) -> None:
    header = read_header(encode(Image.new(mode, (33, 21)), kind))
    assert (header.width, header.height) == (33, 21)


@pytest.mark.parametrize("options", [{"lossless": True}, {"exif": b"Exif\0\0"}, {"quality": 5}])
def test_each_kind_of_webp_has_its_size(options: dict) -> None:
    header = read_header(encode(quarters(70, 50), "WEBP", **options))
    assert (header.width, header.height) == (70, 50)


@pytest.mark.parametrize("kind", ANIMATED)
def test_frames_are_counted(kind: str) -> None:
    data = encode(FRAMES[0], kind, save_all=True, append_images=FRAMES[1:])
    assert read_header(data).frames == Image.open(io.BytesIO(data)).n_frames == 3


def test_a_gif_is_as_large_as_its_first_frame_makes_it() -> None:
    data = bytearray(encode(quarters(20, 10), "GIF"))
    data[6:10] = b"\1\0\1\0"  # a screen of one pixel
    assert Image.open(io.BytesIO(data)).size == (20, 10)
    assert (read_header(bytes(data)).width, read_header(bytes(data)).height) == (20, 10)


def test_a_bmp_may_begin_with_its_top_row() -> None:
    data = bytearray(encode(quarters(20, 10), "BMP"))
    data[22:26] = (-10).to_bytes(4, "little", signed=True)
    assert read_header(bytes(data)).height == 10


@pytest.mark.parametrize("order", ["II*\0", "MM\0*", "II+\0\x08\0\0\0"])
def test_a_tiff_is_read_in_either_order_and_width(order: str) -> None:
    wide, code = "+" in order, "little" if order[0] == "I" else "big"
    count, offset = (8, 8) if wide else (2, 4)

    def entry(tag: int, value: int) -> bytes:
        numbers = [(tag, 2), (3, 2), (1, offset)]
        head = b"".join(number.to_bytes(size, code) for number, size in numbers)
        return head + value.to_bytes(2, code).ljust(offset, b"\0")

    head = order.encode("latin-1") + (16 if wide else 8).to_bytes(offset, code)
    tags = entry(256, 7) + entry(257, 5)
    header = read_header(head + (2).to_bytes(count, code) + tags + bytes(offset))
    assert (header.width, header.height) == (7, 5)


def test_a_photograph_of_several_scans_needs_its_coefficients_too() -> None:
    plain = read_header(encode(quarters(1000, 1000), "JPEG", subsampling=0))
    progressive = read_header(encode(quarters(1000, 1000), "JPEG", subsampling=0, progressive=True))
    assert plain.working_bytes == 8 * 1000 * 1000
    assert 10_000_000 <= progressive.working_bytes < 10_200_000


def test_padding_between_segments_is_passed() -> None:
    data = jpeg()
    padded = data[:2] + b"\xff" * 500 + b"\0junk" + data[2:]
    assert read_header(padded) == read_header(data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"%PDF-1.7", "no image of a format"),
        (b"\0\0\0\x20ftypheic", "no image of a format"),
        (b"\xff\xd8\xff\xd9", "broken or cut short"),
        (b"\xff\xd8" + jpeg_segment(0xC0, bytes(15)) * 2, "two frames"),
        (b"\xff\xd8" + jpeg_segment(0xDA, bytes(6)), "no picture"),
        (b"RIFF\0\0\0\0WEBPALPH" + bytes(40), "no picture"),
        (b"\x89PNG\r\n\x1a\n" + png_chunk(b"IDAT", bytes(30)), "does not begin"),
        (b"GIF89a\1\0\1\0\0\0\0;", "no picture"),
        (tiff({256: [1], 257: [1], 259: [34925]}), "compression 34925"),
        (tiff({256: [1], 257: [1], 258: [16], 284: [2]}), "a plane for each colour"),
        (tiff({256: [1], 257: [1], 339: [3]}), "no agreed range"),
        (b"\0\0\0\x10ftypavif\0\0\0\0", "no picture"),
    ],
)
def test_what_cannot_be_an_image_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        read_header(data)


@pytest.mark.parametrize("frame", [0xC3, 0xC5, 0xC9, 0xCA])
def test_rare_kinds_of_jpeg_are_refused(frame: int) -> None:
    data = jpeg().replace(b"\xff\xc0", bytes([0xFF, frame]))
    with pytest.raises(UnreadableError, match="only 8-bit Huffman-coded"):
        read_header(data)
