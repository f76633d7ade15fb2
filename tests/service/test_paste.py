"""Pasted masks hold torchvision's pixels; their run lengths are pycocotools'."""

import time
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco
from torch.nn import functional

from service.paste import runs
from service.rle import compress

# pycocotools hands out arrays in a manner that numpy is about to leave behind.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
CELLS = 28
NEAR = 1e-9  # from 0.5: there the order of the additions decides


def pasted(grid: np.ndarray, frame: tuple, size: tuple[int, int]) -> np.ndarray:
    """Probabilities of all pixels: `paste_masks_in_image` of torchvision 0.28, in float64."""
    height, width = size
    padded = functional.pad(torch.tensor(grid, dtype=torch.float64), (1,) * 4)
    half = [(high - low) / 2 * (CELLS + 2) / CELLS for low, high in (frame[::2], frame[1::2])]
    middle = [(high + low) / 2 for low, high in (frame[::2], frame[1::2])]
    x0, y0 = (int(at - by) for at, by in zip(middle, half, strict=True))
    x1, y1 = (int(at + by) for at, by in zip(middle, half, strict=True))
    scaled = functional.interpolate(
        padded[None, None], (y1 - y0 + 1, x1 - x0 + 1), mode="bilinear", align_corners=False
    )[0, 0]
    image = torch.zeros(size, dtype=torch.float64)
    left, right = max(x0, 0), min(x1 + 1, width)
    upper, lower = max(y0, 0), min(y1 + 1, height)
    image[upper:lower, left:right] = scaled[upper - y0 : lower - y0, left - x0 : right - x0]
    return image.numpy()


def filled(begins: np.ndarray, ends: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    flat = np.zeros(size[0] * size[1], dtype=bool)
    for begin, end in zip(begins, ends, strict=True):
        flat[begin:end] = True
    return flat.reshape(size[::-1]).T


sides = st.integers(1, 90)


@st.composite
def cases(draw) -> tuple:
    """A grid that is noise, a smooth blob, or of a few equal levels; a frame; an image."""
    noise = np.random.default_rng(draw(st.integers(0, 10_000)))
    kind = draw(st.sampled_from(["noise", "blob", "levels"]))
    grid = noise.random((CELLS, CELLS))
    if kind == "blob":
        y, x = np.mgrid[:CELLS, :CELLS] - noise.uniform(0, CELLS, (2, 1, 1))
        grid = np.exp(-(x**2 + y**2) / noise.uniform(5, 300))
    if kind == "levels":
        grid = np.round(grid * 2) / 2
    size = draw(sides), draw(sides)
    x1, y1 = draw(st.floats(-40, size[1] - 1)), draw(st.floats(-40, size[0] - 1))
    wide, high = draw(st.floats(0.01, 200)), draw(st.floats(0.01, 200))
    frame = (x1, y1, max(x1, 0) + wide, max(y1, 0) + high)  # reaches into the image
    return grid.astype(np.float32), frame, size


@settings(deadline=None, max_examples=200)
@given(cases())
def test_the_pixels_are_those_that_torchvision_pastes(case: tuple) -> None:
    grid, frame, size = case
    begins, ends = runs(grid, frame, size)
    wanted = pasted(*case)
    got = filled(begins, ends, size)
    decided = abs(wanted - 0.5) > NEAR
    np.testing.assert_array_equal(got[decided], (wanted > 0.5)[decided])
    assert (begins < ends).all()
    assert (begins[1:] > ends[:-1]).all()


@settings(deadline=None, max_examples=200)
@given(cases())
def test_the_text_of_a_pasted_mask_is_that_of_pycocotools(case: tuple) -> None:
    found = runs(*case)
    size = case[2]
    counts = compress(*found, size[0] * size[1])
    dense = filled(*found, size)
    assert counts == coco.encode(np.asfortranarray(dense.astype(np.uint8)))["counts"].decode()
    decoded = coco.decode({"size": list(size), "counts": counts})
    np.testing.assert_array_equal(decoded.astype(bool), dense)


lengths = st.lists(st.integers(1, 3) | st.integers(1, 2_000_000), max_size=12)


@given(st.booleans(), lengths)
def test_any_runs_survive_pycocotools(covered_first: bool, lengths: list[int]) -> None:
    """Long runs take up to five characters, and differences of either sign."""
    edges = np.cumsum([0, *lengths])
    inside = list(pairwise(edges))[not covered_first :: 2]
    begins, ends = np.array(inside, dtype=np.int64).reshape(-1, 2).T
    size = int(edges[-1]) or 1
    counts = compress(begins, ends, size)
    plain = [*([0] if covered_first and lengths else []), *lengths] or [size]
    assert (
        counts == coco.frPyObjects({"size": [size, 1], "counts": plain}, size, 1)["counts"].decode()
    )


def test_nothing_covered_is_one_run_of_background() -> None:
    begins, ends = runs(np.zeros((CELLS, CELLS)), (0, 0, 9, 9), (10, 10))
    assert coco.decode({"size": [10, 10], "counts": compress(begins, ends, 100)}).sum() == 0


@pytest.mark.parametrize("far", [1e9, 1e30])
def test_an_absurd_frame_does_no_harm(far: float) -> None:
    begins, ends = runs(np.ones((CELLS, CELLS)), (-far, -far, far, far), (6, 5))
    np.testing.assert_array_equal([begins, ends], [[0], [30]])
    begins, _ = runs(np.ones((CELLS, CELLS)), (far, far, 2 * far, 2 * far), (6, 5))
    assert len(begins) == 0


def test_a_mask_over_fifty_megapixels_takes_milliseconds() -> None:
    grid = np.random.default_rng(0).random((CELLS, CELLS))  # the worst: a crossing in each cell
    started = time.perf_counter()
    counts = compress(*runs(grid, (0, 0, 8000, 6250), (6250, 8000)), 50_000_000)
    assert time.perf_counter() - started < 1
    assert len(counts) > 100_000
