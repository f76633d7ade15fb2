"""Boxes: overlap, clipping and size, against one box at a time."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from zoo.detectors.geometry import areas, clip, iou, large_enough

COORDINATES = st.integers(-20, 120)


@st.composite
def boxes(draw: st.DrawFn) -> list[float]:
    x, y = draw(COORDINATES), draw(COORDINATES)
    return [x, y, x + draw(st.integers(1, 60)), y + draw(st.integers(1, 60))]


@given(one=boxes(), two=boxes())
def test_iou_counts_whole_pixels(one: list[float], two: list[float]) -> None:
    def pixels(box: list[float]) -> set[tuple[int, int]]:
        x_min, y_min, x_max, y_max = map(int, box)
        return {(x, y) for x in range(x_min, x_max) for y in range(y_min, y_max)}

    first, second = pixels(one), pixels(two)
    got = iou(torch.tensor([one], dtype=torch.float64), torch.tensor([two], dtype=torch.float64))
    assert got.item() == pytest.approx(len(first & second) / len(first | second), abs=1e-12)


def test_iou_is_a_table_for_each_image_of_a_batch() -> None:
    generator = torch.Generator().manual_seed(0)
    corners = torch.rand(2, 5, 2, generator=generator)
    found = torch.cat((corners, corners + torch.rand(2, 5, 2, generator=generator)), dim=2)
    table = iou(found, found[:, :3])
    assert table.shape == (2, 5, 3)
    assert torch.equal(table[1], iou(found[1], found[1, :3]))
    assert torch.allclose(table[:, range(3), range(3)], torch.ones(2, 3))


def test_boxes_are_cut_at_the_edges_of_an_image_that_is_not_square() -> None:
    found = torch.tensor([[-5.0, -5.0, 400.0, 400.0], [1.0, 2.0, 3.0, 4.0]])
    expected = torch.tensor([[0.0, 0.0, 30.0, 20.0], [1.0, 2.0, 3.0, 4.0]])
    assert torch.equal(clip(found, (20, 30)), expected)


def test_a_box_is_large_enough_when_both_sides_are() -> None:
    found = torch.tensor([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 1.9, 9.0], [0.0, 0.0, 9.0, 1.9]])
    assert large_enough(found, 2.0).tolist() == [True, False, False]
    assert torch.allclose(areas(found), Tensor([4.0, 17.1, 17.1]))
