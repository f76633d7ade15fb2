"""Anchors: boxes of a few sizes and shapes around every cell of every map of a pyramid."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class AnchorGrid(nn.Module):
    """The anchors of each level, by the conventions of published checkpoints.

    Corners around the origin are rounded to whole pixels, and cell (0, 0) lies at pixel (0, 0).

    Args:
        sizes: of each level, the square roots of the anchors' areas, in pixels; equally many.
        ratios: height / width; the same on every level.
    """

    def __init__(self, sizes: Sequence[Sequence[float]], ratios: Sequence[float]) -> None:
        super().__init__()
        self.per_cell = len(sizes[0]) * len(ratios)
        cells = torch.stack([_around_origin(level, ratios) for level in sizes])
        self.cells: Tensor  # (levels, per_cell, 4), whole numbers
        self.register_buffer("cells", cells, persistent=False)

    def forward(self, maps: list[Tensor], padded_hw: tuple[int, int]) -> list[Tensor]:
        """Of each map (B, C, H, W), the anchors (H · W · per_cell, 4), cells row by row.

        In one cell the ratios follow each other, and under each ratio the sizes. A map's stride
        is what its size divides ``padded_hw``, the size of the images in pixels, into.
        """
        anchors: list[Tensor] = []
        for level, features in enumerate(maps):
            height, width = features.shape[-2], features.shape[-1]
            y = _positions(height, padded_hw[0] // height, features)
            x = _positions(width, padded_hw[1] // width, features)
            rows, columns = y.repeat_interleave(width), x.repeat(height)
            shifts = torch.stack((columns, rows, columns, rows), dim=1)  # (H · W, 4)
            cells = self.cells[level].to(features.dtype)
            anchors.append((shifts.unsqueeze(1) + cells).reshape(-1, 4))
        return anchors


def _positions(cells: int, stride: int, like: Tensor) -> Tensor:
    return torch.arange(cells, dtype=like.dtype, device=like.device) * stride


def _around_origin(sizes: Sequence[float], ratios: Sequence[float]) -> Tensor:
    """Corners (per_cell, 4) of one cell's anchors, in float32 as the published generator has it."""
    heights = torch.tensor(ratios, dtype=torch.float32).sqrt()
    sides = torch.tensor(sizes, dtype=torch.float32)
    width = ((1 / heights).unsqueeze(1) * sides).flatten()
    height = (heights.unsqueeze(1) * sides).flatten()
    return (torch.stack((-width, -height, width, height), dim=1) / 2).round()
