"""Anchors: the published corners, their order, and their places."""

import torch

from tests.zoo.detectors.scripting import scripted
from zoo.detectors.anchors import AnchorGrid

# Of 32 pixels at height / width 0.5, 1 and 2, as the published generator rounds them.
CORNERS = [[-23, -11, 23, 11], [-16, -16, 16, 16], [-11, -23, 11, 23]]


def test_the_corners_are_the_published_ones() -> None:
    grid = AnchorGrid([(32,)], (0.5, 1.0, 2.0))
    assert grid.cells.tolist() == [CORNERS]
    retina = AnchorGrid([(32, 40, 50)], (0.5, 1.0, 2.0))
    assert retina.per_cell == 9
    assert retina.cells[0, 1].tolist() == [-28, -14, 28, 14]
    assert retina.cells[0, 3].tolist() == [-16, -16, 16, 16]


def test_cells_lie_row_by_row_at_multiples_of_the_stride() -> None:
    grid = AnchorGrid([(32,), (64,)], (0.5, 1.0, 2.0))
    maps = [torch.zeros(2, 1, 2, 3), torch.zeros(2, 1, 1, 2)]
    fine, coarse = grid(maps, (16, 24))
    assert fine.shape == (2 * 3 * 3, 4)
    assert coarse.shape == (2 * 3, 4)
    first = torch.tensor(CORNERS, dtype=torch.float32)
    for cell, (x, y) in enumerate([(0, 0), (8, 0), (16, 0), (0, 8), (8, 8), (16, 8)]):
        assert torch.equal(fine[3 * cell : 3 * cell + 3], first + torch.tensor([x, y, x, y]))
    # A map that does not divide the image evenly: the stride is rounded down, height by height.
    assert coarse[3:, 0].tolist() == [12 - 45, 12 - 32, 12 - 23]


def test_they_have_the_type_of_the_maps_and_script() -> None:
    grid = AnchorGrid([(32,)], (0.5, 1.0, 2.0))
    maps = [torch.zeros(1, 1, 2, 2, dtype=torch.float64)]
    (anchors,) = scripted(grid)(maps, (64, 64))
    assert anchors.dtype is torch.float64
    assert torch.equal(anchors, grid(maps, (64, 64))[0])
