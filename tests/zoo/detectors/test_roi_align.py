"""RoIAlign against loops over boxes, bins, points and neighbours."""

from math import floor, log2, sqrt

import pytest
import torch
from torch import Tensor

from tests.zoo.detectors.scripting import scripted
from zoo.detectors.roi_align import MultiLevelRoIAlign

IMAGE = (192, 256)
BOXES = [
    [10.0, 20.0, 60.0, 90.0],
    [-30.0, -20.0, 300.0, 220.0],  # over every edge
    [250.0, 185.0, 256.0, 192.0],  # in the last corner
    [100.0, 100.0, 100.2, 100.1],  # smaller than a cell
    [5.0, 5.0, 5.0, 5.0],  # nothing at all
    [16.0, 16.0, 240.0, 240.0],  # exactly the canonical size
    [0.0, 0.0, 111.9, 112.0],  # just below half of it
]


def bilinear(features: Tensor, y: float, x: float) -> Tensor:
    """The value of a map (C, H, W) at a point, or at the nearest one on the map."""
    height, width = features.shape[1:]
    y, x = min(max(y, 0.0), height - 1), min(max(x, 0.0), width - 1)
    top, left = int(y), int(x)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    down, across = y - top, x - left
    return (
        features[:, top, left] * (1 - down) * (1 - across)
        + features[:, top, right] * (1 - down) * across
        + features[:, bottom, left] * down * (1 - across)
        + features[:, bottom, right] * down * across
    )


def naive(features: Tensor, box: list[float], scale: float, size: int, sampling: int) -> Tensor:
    """One box on one map, (C, size, size), by the words of the paper."""
    left, top, right, bottom = (side * scale for side in box)
    step_x, step_y = max(right - left, 1.0) / size, max(bottom - top, 1.0) / size
    pooled = torch.zeros(features.shape[0], size, size, dtype=features.dtype)
    for row in range(size):
        for column in range(size):
            for point_y in range(sampling):
                for point_x in range(sampling):
                    y = top + (row + (point_y + 0.5) / sampling) * step_y
                    x = left + (column + (point_x + 0.5) / sampling) * step_x
                    pooled[:, row, column] += bilinear(features, y, x) / sampling**2
    return pooled


def level_of(box: list[float], finest: int, coarsest: int) -> int:
    side = sqrt((box[2] - box[0]) * (box[3] - box[1]))
    if side == 0:
        return finest
    return min(max(floor(4 + log2(side / 224) + 1e-6), finest), coarsest)


def pyramid(strides: tuple[int, ...], batch: int, padding: int = 0) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    height, width = IMAGE[0] + padding, IMAGE[1] + padding
    return [
        torch.randn(
            batch, 3, height // stride, width // stride, generator=generator, dtype=torch.float64
        )
        for stride in strides
    ]


@pytest.mark.parametrize(("size", "sampling"), [(7, 2), (14, 2), (3, 1)])
@pytest.mark.parametrize("strides", [(4, 8, 16, 32), (4, 8, 16), (8,)])
def test_it_computes_what_loops_compute(strides: tuple[int, ...], size: int, sampling: int) -> None:
    maps = pyramid(strides, batch=2)
    found = torch.tensor([BOXES, BOXES[::-1]], dtype=torch.float64)
    got = MultiLevelRoIAlign(size, sampling)(maps, found, IMAGE)
    assert got.shape == (2 * len(BOXES), 3, size, size)
    finest = round(log2(strides[0]))
    expected = []
    for image, its_boxes in enumerate(found.tolist()):
        for box in its_boxes:
            level = level_of(box, finest, finest + len(strides) - 1)
            features = maps[level - finest][image]
            expected.append(naive(features, box, 1 / 2**level, size, sampling))
    assert torch.allclose(got, torch.stack(expected), rtol=0, atol=1e-12)
    assert got.abs().amax(dim=(1, 2, 3)).min() > 0


def test_padding_does_not_change_the_stride() -> None:
    maps = pyramid((4, 8), batch=1, padding=31)
    found = torch.tensor([BOXES[:1]], dtype=torch.float64)
    got = MultiLevelRoIAlign(7)(maps, found, IMAGE)
    assert torch.allclose(got[0], naive(maps[0][0], BOXES[0], 1 / 4, 7, 2), rtol=0, atol=1e-12)


def test_gradients_are_right() -> None:
    maps = [level[:, :1, :6, :6].clone().requires_grad_() for level in pyramid((32,), batch=1)]
    found = torch.tensor([[[10.0, 20.0, 60.0, 90.0]]], dtype=torch.float64)
    align = MultiLevelRoIAlign(2)
    assert torch.autograd.gradcheck(lambda level: align([level], found, (192, 192)), maps)


def test_it_scripts() -> None:
    align = MultiLevelRoIAlign(7)
    maps, found = pyramid((4, 8), batch=2), torch.tensor([BOXES, BOXES], dtype=torch.float64)
    assert torch.equal(scripted(align)(maps, found, IMAGE), align(maps, found, IMAGE))
