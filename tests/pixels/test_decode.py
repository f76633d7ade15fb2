"""Every kind of file becomes upright, opaque RGB, or our own error; in training as in serving."""

import contextlib
import struct
import warnings

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from pixels.decode import BACKGROUND, configure_pillow, decode, inspect
from pixels.errors import TooLargeError, UnreadableError
from pixels.limits import Limits
from tests.images import (
    QUARTERS,
    claims_to_be_huge,
    encode,
    jpeg,
    png,
    png_chunk,
    quarters,
    tiff,
)

LIMITS = Limits()
OUR_ERRORS = (TooLargeError, UnreadableError)


def pixels(data: bytes, limits: Limits = LIMITS) -> np.ndarray:
    picture = decode(data, limits)
    array = np.asarray(picture)
    assert array.dtype == np.uint8
    assert array.shape == (picture.height, picture.width, 3)
    return array


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "GIF", "WEBP"])
def test_a_lossless_file_gives_its_pixels(kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    np.testing.assert_array_equal(pixels(encode(quarters(), kind, **options)), quarters())


@pytest.mark.parametrize("kind", ["JPEG", "AVIF"])
def test_a_lossy_file_gives_its_pixels_about(kind: str) -> None:
    data = encode(quarters(), kind, quality=95)
    assert np.abs(pixels(data).astype(int) - np.asarray(quarters())).mean() < 4


@pytest.mark.parametrize("kind", ["PPM", "ICO", "TGA", "PDF", "JPEG2000", "EPS"])
def test_a_format_off_the_list_is_refused(kind: str) -> None:
    with pytest.raises(UnreadableError, match="no image of a format"):
        pixels(encode(quarters(), kind))


@pytest.mark.parametrize(
    ("mode", "value", "expected"),
    [
        ("1", 1, (255, 255, 255)),
        ("L", 77, (77, 77, 77)),
        ("LA", (10, 255), (10, 10, 10)),
        ("LA", (10, 0), BACKGROUND),
        ("I;16", 0x80FF, (128, 128, 128)),
        ("RGB", (1, 2, 3), (1, 2, 3)),
        ("RGBA", (1, 2, 3, 255), (1, 2, 3)),
        ("RGBA", (1, 2, 3, 0), BACKGROUND),
        ("RGBA", (255, 0, 0, 128), (255, 127, 127)),
    ],
)
def test_each_mode_of_png_becomes_rgb(mode: str, value: object, expected: tuple) -> None:
    image = Image.new(mode, (3, 2), value)
    assert tuple(pixels(encode(image))[0, 0]) == expected


def test_16_bit_grey_keeps_its_order() -> None:
    ramp = (np.arange(256, dtype=np.uint16) * 257).reshape(16, 16)
    np.testing.assert_array_equal(
        pixels(encode(Image.fromarray(ramp)))[..., 0].ravel(), np.arange(256)
    )


def test_a_palette_with_a_transparent_colour_shows_the_background() -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([9, 9, 9, 200, 100, 50])
    image.putpixel((0, 0), 0)
    array = pixels(encode(image, "PNG", transparency=0))
    assert tuple(array[0, 0]) == BACKGROUND
    assert tuple(array[1, 1]) == (200, 100, 50)


def test_a_grey_png_with_a_transparent_level_shows_the_background() -> None:
    array = pixels(encode(Image.new("L", (2, 2), 7), "PNG", transparency=7))
    assert tuple(array[0, 0]) == BACKGROUND


KEY = png_chunk(b"tRNS", struct.pack(">H", 1))
DEEP_KEY = png_chunk(b"tRNS", struct.pack(">3H", 0x1234, 0x5678, 0x9ABC))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (png(3, 1, 1, 0, b"\0\x40", KEY), [0, BACKGROUND, 0]),
        (png(4, 1, 2, 0, b"\0\x1b", KEY), [0, BACKGROUND, 170, 255]),
        (png(2, 1, 4, 0, b"\0\x12", KEY), [BACKGROUND, 34]),
        (png(2, 1, 8, 0, b"\0\1\2", png_chunk(b"tRNS", b"\xff\1")), [BACKGROUND, 2]),
        (png(2, 1, 16, 0, b"\0\0\1\x80\0", KEY), [BACKGROUND, 128]),
        (png(2, 1, 16, 2, b"\0\x12\x34\x56\x78\x9a\xbc\xff\0\0\0\x80\xff", DEEP_KEY),
         [BACKGROUND, (255, 0, 128)]),
        (png(1, 1, 16, 2, b"\0\x12\x34\x56\x78\x9a\xbc"), [(0x12, 0x56, 0x9A)]),
        (png(2, 1, 16, 4, b"\0\x80\1\xff\xff\0\0\0\0"), [128, BACKGROUND]),
        (png(2, 1, 16, 6, b"\0\1\0\2\0\3\0\xff\xff" + bytes(8)), [(1, 2, 3), BACKGROUND]),
    ],
)  # fmt: skip
def test_png_of_any_depth_becomes_8_bits(data: bytes, expected: list) -> None:
    colours = [c if isinstance(c, tuple) else (c, c, c) for c in expected]
    np.testing.assert_array_equal(pixels(data)[0], colours)


SIDE = {256: [2], 257: [1], 278: [1]}  # of a TIFF: two pixels in one strip
GREY_16 = SIDE | {258: [16], 279: [4]}
RGB_16 = SIDE | {258: [16] * 3, 262: [2], 277: [3], 279: [12]}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (tiff(GREY_16 | {262: [1]}, b"\0\x20\xff\xff"), [32, 255]),
        (tiff(GREY_16 | {262: [0]}, b"\0\x20\xff\xff"), [223, 0]),
        (tiff(SIDE | {258: [8], 262: [0], 279: [2]}, b"\x20\xff"), [223, 0]),
        (tiff(SIDE | {258: [1], 262: [1], 279: [1]}, b"\x40"), [0, 255]),
        (tiff(RGB_16, b"\0\1\0\2\0\3" + b"\xff" * 6), [(1, 2, 3), (255, 255, 255)]),
    ],
)
def test_tiff_of_any_depth_becomes_8_bits(data: bytes, expected: list) -> None:
    colours = [c if isinstance(c, tuple) else (c, c, c) for c in expected]
    np.testing.assert_array_equal(pixels(data)[0], colours)


@pytest.mark.parametrize("kind", ["TIFF", "JPEG"])  # a JPEG holds it inverted, as Adobe does
def test_cmyk_is_not_inverted(kind: str) -> None:
    red = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    assert np.abs(pixels(encode(red, kind))[0, 0].astype(int) - (255, 0, 0)).max() < 4


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_composed_alike_in_a_large_image(mode: str) -> None:
    levels = np.random.default_rng(0).integers(0, 256, (1300, 1100, 4), np.uint8)
    image = Image.fromarray(levels).convert(mode)
    whole = Image.new("RGB", image.size, BACKGROUND)
    whole.paste(image.convert("RGBA"), mask=image.convert("RGBA"))
    np.testing.assert_array_equal(pixels(encode(image, compress_level=0)), whole)


def test_large_16_bit_grey_keeps_its_upper_bytes() -> None:
    deep = np.random.default_rng(0).integers(0, 65536, (1300, 1100), np.uint16)
    data = encode(Image.fromarray(deep), compress_level=0)
    np.testing.assert_array_equal(pixels(data)[..., 1], deep >> 8)


@pytest.mark.parametrize("mode", ["I", "F"])
def test_samples_without_a_range_are_refused(mode: str) -> None:
    with pytest.raises(UnreadableError, match="no agreed range"):
        pixels(encode(Image.new(mode, (2, 2)), "TIFF"))


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF", "AVIF"])
def test_of_an_animation_the_first_frame_is_taken(kind: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    data = encode(frames[0], kind, save_all=True, append_images=frames[1:])
    assert pixels(data)[0, 0].argmax() == 0
    assert inspect(data, LIMITS).frames == 2


def test_an_animation_of_countless_frames_is_refused() -> None:
    count = png_chunk(b"acTL", struct.pack(">II", 2**31, 0))
    with pytest.raises(UnreadableError, match="2147483648 frames"):
        pixels(png(1, 1, 8, 0, b"\0\0", count))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_undone(kind: str, orientation: int) -> None:
    # Stored so that turning it by `orientation` gives `quarters` back.
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    upright = quarters(64, 48)
    stored = upright.transpose(undo[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    array = pixels(encode(stored, kind, exif=exif))
    assert array.shape == (48, 64, 3)
    for corner, colour in ((array[5, 5], "top left"), (array[5, -5], "top right")):
        assert np.abs(corner.astype(int) - QUARTERS[colour]).max() < 60


def test_of_an_avif_the_container_says_how_it_is_turned() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encode(quarters(), "AVIF", exif=exif)
    assert pixels(data).shape == (64, 48, 3)
    upright = data.replace(b"irot\3", b"irot\0")
    assert pixels(upright).shape == (48, 64, 3)


def test_broken_exif_is_no_reason_to_refuse_the_pixels() -> None:
    data = encode(quarters(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert pixels(data).shape == (48, 64, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "TIFF", "GIF", "WEBP", "AVIF"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_file_is_refused_rather_than_filled_with_grey(kind: str, share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    data = encode(Image.fromarray(noise), kind)
    with pytest.raises(UnreadableError):
        pixels(data[: int(len(data) * share)])


@pytest.mark.parametrize(
    ("limits", "fits"),
    [
        ({"max_pixels": 64 * 48}, True),
        ({"max_pixels": 64 * 48 - 1}, False),
        ({"max_side": 64}, True),
        ({"max_side": 63}, False),
    ],
)
def test_the_limits_are_exact(limits: dict, fits: bool) -> None:
    if fits:
        assert pixels(jpeg(), Limits(**limits)).shape[1] == 64
        return
    with pytest.raises(TooLargeError, match="64x48") as caught:
        pixels(jpeg(), Limits(**limits))
    assert limits.items() <= caught.value.limits.items()


def test_the_limits_are_checked_before_the_pixels_are_decoded() -> None:
    truncated = encode(quarters())[:60]  # cut inside its pixels
    with pytest.raises(TooLargeError):
        pixels(truncated, Limits(max_pixels=10))


def test_an_image_that_needs_too_much_memory_is_refused() -> None:
    data = encode(quarters(1000, 1000), "GIF")
    assert pixels(data, Limits(max_decode_bytes=8_000_000)).shape[1] == 1000
    with pytest.raises(TooLargeError, match="would take 8 MB") as caught:
        pixels(data, Limits(max_decode_bytes=7_999_999))
    assert caught.value.limits == {"max_decode_bytes": 7_999_999}


def test_an_image_of_no_pixels_is_refused() -> None:
    with pytest.raises(UnreadableError, match="0x1"):
        pixels(png(0, 1, 8, 0, b""))


def test_our_limit_rules_in_place_of_pillows() -> None:
    with pytest.raises(TooLargeError):
        pixels(claims_to_be_huge(20_000, 20_000))


KINDS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
SEEDS = [encode(quarters(16, 16), kind) for kind in KINDS]


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_random_bytes_give_our_error(data: bytes) -> None:
    with pytest.raises(OUR_ERRORS):
        pixels(data)


@settings(deadline=None)
@given(st.sampled_from(SEEDS), st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255))))
@example(SEEDS[0], [])
def test_damaged_files_give_an_image_or_our_error(seed: bytes, damage: list) -> None:
    data = bytearray(seed)
    for position, value in damage:
        data[position % len(data)] = value
    with contextlib.suppress(*OUR_ERRORS):
        assert pixels(bytes(data), Limits(max_pixels=1_000_000)).ndim == 3


def test_odd_files_make_no_noise() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        configure_pillow()
        pixels(encode(quarters(), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff"))
    assert not caught


@pytest.mark.parametrize("compression", ["group4", "tiff_lzw", "tiff_adobe_deflate", "jpeg"])
def test_broken_tiffs_write_nothing_to_stderr(
    compression: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    mode = "1" if compression == "group4" else "RGB"
    data = bytearray(encode(quarters().convert(mode), "TIFF", compression=compression))
    data[8:40] = bytes(range(200, 232))  # inside the strip, which Pillow writes first
    with contextlib.suppress(UnreadableError):
        pixels(bytes(data))
    assert capfd.readouterr().err == ""
    assert not caplog.records
