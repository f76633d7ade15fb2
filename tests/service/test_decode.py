"""What is wrong with a file is told as a problem: the same words, the limits and a remedy."""

import pytest
from PIL import Image

from pixels.limits import Limits
from service.errors import ImageTooLarge, UnreadableImage
from service.settings import Settings
from service.steps.decode import decode, inspect
from service.values import Upload
from tests.images import encode, jpeg, quarters

FRAMES = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
TWO_FRAMES = encode(FRAMES[0], "GIF", save_all=True, append_images=FRAMES[1:])


def test_an_image_is_its_picture_and_how_many_there_are() -> None:
    image = decode(Upload(jpeg(64, 48, 6)), Settings())
    assert (image.width, image.height, image.frames) == (48, 64, 1)
    assert image.pixels().shape == (64, 48, 3)
    assert decode(Upload(TWO_FRAMES), Settings()).frames == 2


def test_a_header_that_was_read_before_is_not_read_again() -> None:
    header = inspect(Upload(TWO_FRAMES), Settings())
    assert decode(Upload(jpeg(8, 8)), Settings(), inspect(Upload(jpeg()), Settings())).frames == 1
    with pytest.raises(UnreadableImage):  # it says GIF
        decode(Upload(jpeg()), Settings(), header)


@pytest.mark.parametrize(
    ("limits", "detail", "members"),
    [
        ({"max_pixels": 3071}, "has 64x48 pixels", {"max_pixels": 3071, "max_side": 16_384}),
        ({"max_side": 63}, "has 64x48 pixels", {"max_pixels": 50_000_000, "max_side": 63}),
        ({"max_decode_bytes": 24_575}, "would take 0 MB", {"max_decode_bytes": 24_575}),
    ],
)
def test_an_image_over_a_limit_names_it(limits: dict, detail: str, members: dict) -> None:
    with pytest.raises(ImageTooLarge, match=detail) as caught:
        decode(Upload(jpeg()), Settings(**limits))
    assert caught.value.members == {"remedy": ImageTooLarge.remedy} | members


def test_a_file_that_gives_no_picture_comes_with_a_remedy() -> None:
    with pytest.raises(UnreadableImage, match="no image of a format") as caught:
        decode(Upload(b"text"), Settings())
    assert caught.value.members == {"remedy": UnreadableImage.remedy}
    deep = encode(Image.new("I", (2, 2)), "TIFF")
    with pytest.raises(UnreadableImage, match="no agreed range") as caught:
        decode(Upload(deep), Settings())
    assert caught.value.members["remedy"].startswith("save the image with 8 or 16 bits")


def test_the_log_learns_what_the_decoder_said() -> None:
    with pytest.raises(UnreadableImage, match="the image is broken") as caught:
        decode(Upload(encode(quarters())[:100]), Settings())
    assert isinstance(caught.value.__cause__, OSError)


def test_training_reads_images_under_the_limits_of_serving() -> None:
    settings = Settings()
    assert Limits() == Limits(settings.max_pixels, settings.max_side, settings.max_decode_bytes)
