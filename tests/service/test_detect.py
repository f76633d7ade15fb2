"""Outputs to detections: the way back to the image, the limits, and what is no answer."""

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco

from pixels.fit import prepare
from pixels.geometry import Geometry
from service.errors import UnexpectedOutput
from service.steps.detect import detect
from service.values import Outputs
from tests.service.detector import SLOTS, THREE, arrays, recipe

WIDE = (128, 64)


def geometry(size: tuple[int, int] = WIDE, **shape: int) -> Geometry:
    return prepare(PIL.Image.new("RGB", size), recipe(**shape).input).geometry


def found(answer: dict = THREE, *limits, masks: bool = False, size: tuple[int, int] = WIDE):
    return detect(Outputs(answer, "1"), recipe(masks=masks), geometry(size), *limits)


def edges(box) -> tuple[float, ...]:
    return box.x_min, box.y_min, box.x_max, box.y_max


def test_boxes_come_back_in_pixels_of_the_image() -> None:
    first, second = found()
    assert (first.label.name, first.label.class_id) == ("no_parking", 4)
    assert first.label.score == pytest.approx(0.9)
    assert edges(first.box) == (8, 8, 48, 48)
    assert first.mask is None
    assert edges(second.box) == (0, 0, 128, 64)  # clipped to the image


def test_a_box_that_lies_wholly_in_a_bar_is_left_out() -> None:
    answer = arrays([[30, 2, 40, 16], [30, 2, 40, 16.5], [5, 20, 5, 40]], [0.9, 0.5, 0.4], [0] * 3)
    (only,) = found(answer)
    assert edges(only.box) == (60, 0, 80, 1)


sides = st.integers(1, 300)
shares = st.tuples(*[st.floats(0, 1)] * 4)


@settings(deadline=None)
@given(sides, sides, sides, sides, shares)
def test_resize_and_undo_bring_each_box_back(
    width: int, height: int, input_width: int, input_height: int, share: tuple
) -> None:
    """The resized size is whole pixels, so the two axes may be scaled differently."""
    there = geometry((width, height), width=input_width, height=input_height)
    low, high = np.sort(np.reshape(share, (2, 2)), axis=0) * (width, height)
    scale, offset = (there.scale_x, there.scale_y), (there.offset_x, there.offset_y)
    moved = np.array([low, high]) * scale + offset
    inside = [round(width * there.scale_x), round(height * there.scale_y)]
    assert (moved >= -1e-9).all()
    assert (moved <= np.add(offset, inside) + 1e-9).all()
    # One pixel of the tensor may be many of the image: rounding is relative to both.
    np.testing.assert_allclose(
        there.undo(moved), [low, high], rtol=1e-9, atol=1e-12 * max(width, height)
    )


@pytest.mark.parametrize(
    ("limits", "scores"),
    [
        ((None, None), [0.9, 0.5]),
        ((0.05, None), [0.9, 0.5]),
        ((0.5, None), [0.9]),  # as in the model, the threshold itself is not enough
        ((1.0, None), []),
        ((None, 1), [0.9]),
        ((0.1, SLOTS), [0.9, 0.5]),
    ],
)
def test_a_request_may_be_stricter(limits: tuple, scores: list[float]) -> None:
    assert [one.label.score for one in found(THREE, *limits)] == pytest.approx(scores)


def test_the_box_in_the_bar_takes_no_place_from_others() -> None:
    answer = arrays([[30, 2, 40, 12], [4, 20, 24, 40]], [0.9, 0.5], [0, 0])
    assert [one.label.score for one in found(answer, None, 1)] == [0.5]


def test_the_best_come_first_and_equals_keep_the_models_order() -> None:
    box = [4, 20, 24, 40]
    answer = arrays([box] * 4, [0.5, 0.9, 0.5, 0.9], [0, 1, 2, 3])
    assert [one.label.class_id for one in found(answer)] == [1, 3, 0, 2]


def test_free_slots_are_no_detections() -> None:
    assert found(arrays([], [], [])) == ()
    full = arrays([[4, 20, 24, 40]] * SLOTS, [0.5] * SLOTS, [0] * SLOTS)
    assert len(found(full)) == SLOTS


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_a_mask_lies_in_the_box_that_the_model_gave() -> None:
    """The bar hides the upper half of the box, so only what the mask has below it shows."""
    grid = np.zeros((28, 28), np.float32)
    grid[15:, 7:] = 1  # the frame is 32, -32, 96, 32: a row of the grid is 2.3 pixels
    answer = arrays([[16, 0, 48, 32]], [0.9], [0], grid)
    (one,) = found(answer, masks=True)
    assert edges(one.box) == (32, 0, 96, 32)
    pixels = coco.decode({"size": [64, 128], "counts": one.mask.counts})
    rows, columns = np.nonzero(pixels)
    assert (rows.min(), rows.max()) == (3, 32)
    assert (columns.min(), columns.max()) == (48, 96)


def wrong(**changes: np.ndarray | None) -> dict:
    answer = arrays([[4, 20, 24, 40]], [0.9], [0]) | changes
    return {name: array for name, array in answer.items() if array is not None}


@pytest.mark.parametrize(
    "answer",
    [
        {},
        wrong(BOXES=None),
        wrong(MASKS=None),
        wrong(BOXES=np.zeros((1, SLOTS - 1, 4), np.float32)),
        wrong(BOXES=np.zeros((SLOTS, 4), np.float32)),
        wrong(BOXES=np.full((1, SLOTS, 4), np.nan, np.float32)),
        wrong(SCORES=np.full((1, SLOTS), np.inf, np.float32)),
        wrong(SCORES=np.zeros((1, SLOTS), np.int64)),
        wrong(CLASSES=np.zeros((1, SLOTS), np.float32)),
        wrong(CLASSES=np.full((1, SLOTS), 6)),
        wrong(CLASSES=np.full((1, SLOTS), -1)),
        wrong(COUNT=np.array([[SLOTS + 1]])),
        wrong(COUNT=np.array([[-1]])),
        wrong(COUNT=np.array([1])),
        wrong(MASKS=np.zeros((1, SLOTS, 14, 14), np.float32)),
        wrong(MASKS=np.full((1, SLOTS, 28, 28), np.nan, np.float32)),
        wrong(CLASSES=np.array([list("abcde")], object)),
    ],
)
def test_what_the_recipe_does_not_promise_is_refused(answer: dict) -> None:
    with pytest.raises(UnexpectedOutput):
        found(answer, masks=True)


@settings(deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1e-30, 1.0, 1e9, 3e38]))
def test_any_finite_numbers_give_boxes_within_the_image(seed: int, scale: float) -> None:
    random = np.random.default_rng(seed)
    boxes = (random.uniform(-1, 1, (SLOTS, 4)) * scale).astype(np.float32)
    grids = random.normal(0.5, 1, (SLOTS, 28, 28)).astype(np.float32)
    answer = arrays(boxes, random.random(SLOTS), random.integers(0, 6, SLOTS), grids)
    for one in found(answer, masks=True):
        x_min, y_min, x_max, y_max = edges(one.box)
        assert 0 <= x_min < x_max <= WIDE[0]
        assert 0 <= y_min < y_max <= WIDE[1]
