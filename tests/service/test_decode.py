"""Every kind of file becomes upright, opaque RGB, or our own error."""

import contextlib
import warnings

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from service.errors import GatewayError, ImageTooLarge, UnreadableImage
from service.settings import Settings
from service.steps.decode import BACKGROUND, configure_pillow, decode
from service.values import Upload
from tests.images import QUARTERS, claims_to_be_huge, encode, jpeg, quarters

SETTINGS = Settings()


def pixels(data: bytes) -> np.ndarray:
    image = decode(Upload(data), SETTINGS)
    array = image.pixels()
    assert array.dtype == np.uint8
    assert array.shape == (image.height, image.width, 3)
    return array


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "GIF", "WEBP"])
def test_a_lossless_file_gives_its_pixels(kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    np.testing.assert_array_equal(pixels(encode(quarters(), kind, **options)), quarters())


def test_a_jpeg_gives_its_pixels_about() -> None:
    assert np.abs(pixels(jpeg()).astype(int) - np.asarray(quarters())).mean() < 4


@pytest.mark.parametrize("kind", ["PPM", "ICO", "TGA", "PDF", "JPEG2000", "EPS", "AVIF"])
def test_a_format_off_the_list_is_refused(kind: str) -> None:
    with pytest.raises(UnreadableImage, match="no image of a format"):
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


def test_cmyk_is_not_inverted() -> None:
    red = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    assert np.abs(pixels(encode(red, "TIFF"))[0, 0].astype(int) - (255, 0, 0)).max() < 4


@pytest.mark.parametrize("mode", ["I", "F"])
def test_samples_without_a_range_are_refused(mode: str) -> None:
    with pytest.raises(UnreadableImage, match="no agreed range"):
        pixels(encode(Image.new(mode, (2, 2)), "TIFF"))


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_frame_is_taken(kind: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    data = encode(frames[0], kind, save_all=True, append_images=frames[1:])
    assert pixels(data)[0, 0].argmax() == 0


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
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


def test_broken_exif_is_no_reason_to_refuse_the_pixels() -> None:
    data = encode(quarters(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert pixels(data).shape == (48, 64, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "TIFF", "GIF", "WEBP"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_file_is_refused_rather_than_filled_with_grey(kind: str, share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    data = encode(Image.fromarray(noise), kind)
    with pytest.raises(UnreadableImage):
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
        assert decode(Upload(jpeg()), Settings(**limits)).width == 64
        return
    with pytest.raises(ImageTooLarge, match="64x48"):
        decode(Upload(jpeg()), Settings(**limits))


def test_the_limits_are_checked_before_the_pixels_are_decoded() -> None:
    truncated = encode(quarters())[:60]  # cut inside its pixels
    with pytest.raises(ImageTooLarge):
        decode(Upload(truncated), Settings(max_pixels=10))


def test_our_limit_rules_in_place_of_pillows() -> None:
    with pytest.raises(ImageTooLarge):
        pixels(claims_to_be_huge(20_000, 20_000))


SEEDS = [encode(quarters(16, 16), kind) for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")]


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_random_bytes_give_our_error(data: bytes) -> None:
    with pytest.raises(GatewayError):
        pixels(data)


@settings(deadline=None)
@given(st.sampled_from(SEEDS), st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255))))
@example(SEEDS[0], [])
def test_damaged_files_give_an_image_or_our_error(seed: bytes, damage: list) -> None:
    data = bytearray(seed)
    for position, value in damage:
        data[position % len(data)] = value
    small = Settings(max_pixels=1_000_000)
    with contextlib.suppress(GatewayError):
        assert decode(Upload(bytes(data)), small).pixels().ndim == 3


def test_odd_files_make_no_noise() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        configure_pillow()
        pixels(encode(quarters(), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff"))
    assert not caught
