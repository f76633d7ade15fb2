"""RoIAlign (He et al., ICCV 2017) on the level of a pyramid that fits each box (Lin et al., 2017).

Each bin is a weighted sum of cells, which is what an embedding bag computes. A compiled RoIAlign
would tie the exported file to the library that has it.
"""

from math import log
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding_bag


class MultiLevelRoIAlign(nn.Module):
    """A square map of every box, from the one level whose stride suits the size of the box.

    Args:
        size: side of the maps, in bins.
        sampling: points along each side of a bin; their bilinear values are averaged.
    """

    canonical_side: Final = 224.0  # pixels: a box of this size is looked up on
    canonical_level: Final = 4.0  # the level whose stride is 2**4
    epsilon: Final = 1e-6  # keeps boxes of exactly that size there

    def __init__(self, size: int, sampling: int = 2) -> None:
        super().__init__()
        self.size = size
        self.sampling = sampling

    def forward(self, maps: list[Tensor], boxes: Tensor, image_hw: tuple[int, int]) -> Tensor:
        """Maps (B · R, C, size, size) of ``boxes`` (B, R, 4).

        Corners are not moved by half a cell, and a box is at least one cell wide and high:
        RoIAlign as it was first published, and as the published detectors use it.

        Args:
            maps: (B, C, H, W) each, finest first; each stride is twice the one before it.
            boxes: x1 y1 x2 y2 in pixels of the images.
            image_hw: pixels, of the images without padding.
        """
        batch, regions = boxes.shape[0], boxes.shape[1]
        finest = _log_stride(maps[0], image_hw)
        stride = self._log_strides(boxes, finest, finest + len(maps) - 1)  # (B, R)
        cells, first, height, width = _where(maps, stride - finest)
        corners = boxes * torch.exp2(-stride).unsqueeze(2).to(boxes.dtype)
        rows, row_shares = self._along(corners[..., 1], corners[..., 3], height)
        columns, column_shares = self._along(corners[..., 0], corners[..., 2], width)
        # (B, R, bins in y, bins in x, cells that count in y, cells that count in x)
        index = (first + rows * width[..., None, None])[:, :, :, None, :, None]
        index = index + columns[:, :, None, :, None, :]
        shares = row_shares[:, :, :, None, :, None] * column_shares[:, :, None, :, None, :]
        pooled = embedding_bag(
            index.flatten(0, 3).flatten(1),
            cells,
            mode="sum",
            per_sample_weights=shares.flatten(0, 3).flatten(1),
        )
        by_region = pooled.reshape(batch * regions, self.size, self.size, cells.shape[1])
        return by_region.permute(0, 3, 1, 2).contiguous()

    def _log_strides(self, boxes: Tensor, finest: int, coarsest: int) -> Tensor:
        """Binary logarithms (B, R) of the strides that suit ``boxes``: Lin et al., equation 1."""
        area = (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
        above = torch.log2(area.sqrt() / self.canonical_side)
        stride = torch.floor(self.canonical_level + above + self.epsilon)
        return stride.clamp(float(finest), float(coarsest)).long()

    def _along(self, low: Tensor, high: Tensor, cells: Tensor) -> tuple[Tensor, Tensor]:
        """Along one axis, the cells that each bin counts and their shares, (B, R, size, 2 · S).

        ``low`` and ``high`` are the ends of the boxes in cells, ``cells`` how many there are, all
        (B, R). A point has two neighbours, whose shares are linear in the distance; one beyond
        the map counts the cell at its edge, as in the published detectors' reference answers.
        Compiled RoIAlign lets points beyond the far edges count nothing, which is another value
        only for a box there that is thinner than a cell.
        """
        step = (high - low).clamp(min=1.0) / (self.size * self.sampling)
        number = torch.arange(self.size * self.sampling, device=low.device) + 0.5
        points = low.unsqueeze(2) + number.to(low.dtype) * step.unsqueeze(2)
        last = cells.unsqueeze(2) - 1
        points = torch.minimum(points.clamp(min=0.0), last.to(low.dtype))
        before = points.floor().long()
        after = torch.minimum(before + 1, last)
        share = points - before
        index = torch.stack((before, after), dim=3)
        shares = torch.stack((1.0 - share, share), dim=3) / self.sampling
        shape = (low.shape[0], low.shape[1], self.size, 2 * self.sampling)
        return index.reshape(shape), shares.reshape(shape)


def _log_stride(level: Tensor, image_hw: tuple[int, int]) -> int:
    """Of the nearest power of two: padding makes maps a little larger than the image asks for."""
    # TorchScript has no log2, and rounds to a float.
    return int(round(log(image_hw[0] / level.shape[-2]) / log(2.0)))  # noqa: RUF046


def _where(maps: list[Tensor], level: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """All cells (cells, C) of a batch, and for each box where those of its level begin.

    With ``level`` (B, R): the first cell (B, R, 1, 1), and height and width of the map (B, R).
    """
    batch = torch.arange(level.shape[0], device=level.device).unsqueeze(1)
    tables: list[Tensor] = []
    first, height, width = torch.zeros_like(level), torch.zeros_like(level), torch.zeros_like(level)
    count = 0
    for number, features in enumerate(maps):
        here = level == number
        rows, columns = features.shape[-2], features.shape[-1]
        first = torch.where(here, count + batch * (rows * columns), first)
        height = height.masked_fill(here, rows)
        width = width.masked_fill(here, columns)
        tables.append(features.permute(0, 2, 3, 1).reshape(-1, features.shape[1]))
        count += features.shape[0] * rows * columns
    return torch.cat(tables), first.unsqueeze(2).unsqueeze(3), height, width
