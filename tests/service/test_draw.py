"""The picture: its size, its colours, and that everything stays readable and inside."""

import io
import time

import numpy as np
import PIL.Image
import pytest

from service.steps.draw import LONGEST_SIDE, canvas, colour, contrasting, draw
from service.values import Box, Detection, Findings, Image, Label, Mask

GREY = (90, 90, 90)
RED = colour(0)


def grey(width: int, height: int) -> PIL.Image.Image:
    return PIL.Image.new("RGB", (width, height), GREY)


def drawn(
    findings: Findings, width: int = 400, height: int = 300, untrained: bool = False
) -> np.ndarray:
    image = Image(grey(width, height))
    png = PIL.Image.open(io.BytesIO(draw(canvas(image), findings, (width, height), untrained)))
    assert (png.format, png.mode) == ("PNG", "RGB")
    return np.asarray(png)


def detection(box: Box, class_id: int = 0, name: str = "stop", grid=None) -> Detection:
    frame = (box.x_min, box.y_min, box.x_max, box.y_max)
    mask = None if grid is None else Mask(grid=grid, frame=frame, counts="")
    return Detection(Label(name, class_id, 0.97), box, mask)


def boxes(*detections: Detection) -> Findings:
    return Findings(detections=detections)


def test_a_box_is_drawn_on_its_edges_and_left_open_inside() -> None:
    pixels = drawn(boxes(detection(Box(100, 80, 200.4, 180))))
    for row, column in ((120, 100), (120, 199), (80, 150), (179, 150)):
        assert tuple(pixels[row, column]) == RED
    assert (pixels[90:170, 110:190] == GREY).all()
    assert (pixels[:, 201:] == GREY).all()
    assert (pixels[181:] == GREY).all()


def test_the_caption_stands_above_the_box_in_letters_that_contrast() -> None:
    pixels = drawn(boxes(detection(Box(100, 80, 200, 180))))
    above = pixels[60:80, 100:200].reshape(-1, 3)
    assert (above == RED).all(axis=1).sum() > 300
    letters = abs(above - np.array(contrasting(RED))).max(axis=1) < 80
    assert letters.sum() > 20


def test_a_caption_at_an_edge_stays_inside() -> None:
    pixels = drawn(boxes(detection(Box(380, 0, 400, 20))))
    caption = (pixels[:25] == RED).all(axis=2)
    assert caption.any(axis=0).nonzero()[0].min() < 370  # moved left, to fit in whole


def test_a_mask_tints_its_pixels_and_the_best_lies_on_top() -> None:
    solid = np.ones((28, 28), np.float32)
    best = detection(Box(100, 100, 200, 200), 0, grid=solid)
    other = detection(Box(150, 100, 300, 200), 1, grid=solid)
    pixels = drawn(boxes(best, other))
    tinted = [np.array(GREY) * 0.55 + np.array(colour(i)) * 0.45 for i in (0, 1)]
    np.testing.assert_allclose(pixels[150, 170], tinted[0], atol=1)
    np.testing.assert_allclose(pixels[150, 250], tinted[1], atol=1)
    assert tuple(pixels[250, 250]) == GREY


def test_the_uploaded_picture_is_left_as_it_was() -> None:
    picture = grey(40, 30)
    draw(picture, boxes(detection(Box(0, 0, 20, 20))), picture.size)
    assert (np.asarray(picture) == GREY).all()


def test_nothing_found_is_the_picture_itself() -> None:
    assert (drawn(boxes()) == GREY).all()


def test_a_large_image_is_scaled_down_and_its_boxes_with_it() -> None:
    pixels = drawn(boxes(detection(Box(4000, 500, 8000, 1000))), 8192, 1024)
    assert pixels.shape == (256, LONGEST_SIDE, 3)
    assert tuple(pixels[160, 1000]) == RED
    assert tuple(pixels[160, 1999]) == RED
    assert (pixels[160, 1020:1980] == GREY).all()


@pytest.mark.parametrize("size", [(1, 1), (16, 9), (64, 48), (1, 3000), (3000, 1), (9000, 60)])
@pytest.mark.parametrize("name", ["no_parking_sign", "x" * 1000, "", "停车\nsign"])
def test_every_size_and_name_can_be_drawn(size: tuple[int, int], name: str) -> None:
    one = detection(Box(0, 0, *size), name=name, grid=np.ones((28, 28)))
    drawn(boxes(one), *size)
    drawn(Findings(labels=(one.label,) * 9), *size, untrained=True)


def test_letters_and_lines_grow_with_the_image() -> None:
    heights = []
    for width in (320, 1280):
        pixels = drawn(Findings(labels=(Label("stop", 0, 0.9),)), width, width * 3 // 4)
        heights.append((pixels == RED).all(axis=2).any(axis=1).sum())
    assert 10 <= heights[0] < heights[1] / 2


def test_a_classifiers_best_labels_are_listed() -> None:
    labels = tuple(Label(f"class {i}", i, 0.5) for i in range(9))
    pixels = drawn(Findings(labels=labels))
    for i in range(9):
        assert (pixels == colour(i)).all(axis=2).any() == (i < 5)


def test_classes_have_colours_of_their_own_and_readable_letters() -> None:
    colours = [colour(i) for i in range(91)]
    assert len(set(colours)) == 91
    apart = np.linalg.norm(np.diff(colours[:20], axis=0), axis=1)
    assert apart.min() > 100
    for background in colours:
        assert contrast(background, contrasting(background)) >= 4.5


def contrast(one: tuple, other: tuple) -> float:
    """The contrast ratio of WCAG 2.2."""
    levels = np.array([one, other]) / 255
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    dark, light = np.sort(linear @ (0.2126, 0.7152, 0.0722))
    return (light + 0.05) / (dark + 0.05)


def test_a_hundred_masks_on_a_large_picture_take_seconds_at_most() -> None:
    grid = np.random.default_rng(0).random((28, 28))
    crowd = [detection(Box(0, 0, 8000, 6000), i, grid=grid) for i in range(100)]
    picture = grey(2048, 1536)
    started = time.perf_counter()
    draw(picture, boxes(*crowd), (8000, 6000))
    assert time.perf_counter() - started < 10
