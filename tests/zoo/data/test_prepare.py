"""A file gives the zoo and the gateway the same pixels, or neither of them any."""

import numpy as np
import pytest
from PIL import Image

import service.values
from contract.recipe import Fit, InputSpec
from service.errors import GatewayError
from service.settings import Settings
from service.steps import decode as gateway
from service.steps.preprocess import preprocess
from tests.images import claims_to_be_huge, encode, jpeg, quarters
from zoo.data.prepare import UnreadableError, decode, letterboxed, placement, stretched

HEIGHT, WIDTH = 64, 96


def noise(width: int, height: int, mode: str = "RGB") -> Image.Image:
    pixels = np.random.default_rng(width * height).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(pixels).convert(mode)


def grey_16() -> bytes:
    return encode(Image.fromarray(np.arange(5000, dtype=np.uint16).reshape(50, 100) * 13))


def with_palette(**options: object) -> bytes:
    return encode(noise(31, 17).quantize(32), "PNG", **options)


def tuple_of_frames() -> bytes:
    frames = [noise(20, 30), noise(30, 20)]
    return encode(frames[0], "GIF", save_all=True, append_images=frames[1:])


FILES = {
    **{f"exif {turn}": jpeg(50, 30, turn) for turn in range(1, 9)},
    **{f"{width}x{height}": encode(noise(width, height)) for width, height in [
        (1, 1), (1, 300), (301, 1), (97, 65), (WIDTH, HEIGHT), (200, 133), (640, 480), (23, 11),
    ]},
    **{mode: encode(noise(33, 57, mode)) for mode in ("1", "L", "LA", "RGBA")},
    "grey 16 bit": grey_16(),
    "palette": with_palette(),
    "palette with a transparent colour": with_palette(transparency=3),
    "cmyk": encode(noise(60, 44, "CMYK"), "JPEG"),
    "grey jpeg": encode(noise(60, 44, "L"), "JPEG"),
    "progressive": encode(noise(60, 44), "JPEG", progressive=True),
    "webp": encode(noise(60, 44), "WEBP"),
    "bmp": encode(noise(61, 44), "BMP"),
    "tiff": encode(noise(61, 44), "TIFF"),
    "gif": tuple_of_frames(),
}  # fmt: skip


def served(content: bytes, fit: Fit) -> np.ndarray:
    image = gateway.decode(service.values.Upload(content), Settings())
    spec = InputSpec(name="INPUT__0", height=HEIGHT, width=WIDTH, fit=fit)
    return preprocess(image, spec).tensor[0]


@pytest.mark.parametrize("kind", FILES)
def test_the_pixels_are_those_of_the_gateway(kind: str) -> None:
    picture = decode(FILES[kind])
    stretch = stretched(picture, HEIGHT, WIDTH)
    box = letterboxed(picture, HEIGHT, WIDTH)
    assert stretch.shape == box.shape == (HEIGHT, WIDTH, 3)
    np.testing.assert_array_equal(stretch, served(FILES[kind], Fit.STRETCH))
    np.testing.assert_array_equal(box, served(FILES[kind], Fit.LETTERBOX))


@pytest.mark.parametrize(("width", "height"), [(40, 30), (30, 40), (97, 65), (1, 300), (3000, 2)])
def test_the_place_in_the_letterbox_is_the_gateways(width: int, height: int) -> None:
    spec = InputSpec(name="INPUT__0", height=HEIGHT, width=WIDTH, fit=Fit.LETTERBOX)
    way = preprocess(service.values.Image(quarters(width, height)), spec).geometry
    placed = placement(width, height, HEIGHT, WIDTH)
    assert (placed.left, placed.upper) == (way.offset_x, way.offset_y)
    assert placed.width / width == way.scale_x
    assert placed.height / height == way.scale_y


BROKEN = {
    "empty": b"",
    "text": b"no image at all",
    "cut short": jpeg()[:700],
    "32 bit": encode(Image.new("F", (8, 8)), "TIFF"),
    "pdf": encode(quarters(), "PDF"),
    "huge": claims_to_be_huge(),
    "long": encode(Image.new("1", (16_385, 1))),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_the_gateway_refuses_is_refused(kind: str) -> None:
    with pytest.raises(GatewayError):
        served(BROKEN[kind], Fit.STRETCH)
    with pytest.raises(UnreadableError):
        decode(BROKEN[kind])
