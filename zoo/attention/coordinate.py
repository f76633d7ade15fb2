"""Coordinate attention: one gate per row and one per column (Hou et al., CVPR 2021)."""

import torch
from torch import Tensor, nn
from torch.nn.functional import hardswish


class CoordinateAttention(nn.Module):
    """Gates each pixel by its row and its column: x · A_w · A_h.

    The map is averaged over its width (one value a row) and over its height (one value a column);
    both strips share one squeeze to m = max(8, channels // reduction), batch norm and hard swish,
    then each is projected back to its own gate. (B, C, H, W) in, the same shape out; a 1×1 map is
    a map of one row and one column.

    Args:
        channels: C.
        reduction: the authors use 32.

    Raises:
        ValueError: ``reduction`` is below 1.
    """

    def __init__(self, channels: int, *, reduction: int = 32) -> None:
        super().__init__()
        if reduction < 1:
            raise ValueError(f"reduction is {reduction}; it must be 1 or more")
        squeezed = max(8, channels // reduction)
        self.squeeze = nn.Conv2d(channels, squeezed, 1)
        self.norm = nn.BatchNorm2d(squeezed)
        self.height = nn.Conv2d(squeezed, channels, 1)
        self.width = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Gate ``x`` by row and column."""
        rows = x.mean(dim=3, keepdim=True)  # (B, C, H, 1)
        columns = x.mean(dim=2, keepdim=True).transpose(2, 3)  # (B, C, W, 1)
        strip = hardswish(self.norm(self.squeeze(torch.cat((rows, columns), dim=2))))
        rows, columns = torch.split(strip, [x.shape[2], x.shape[3]], dim=2)
        row_gates: Tensor = self.height(rows).sigmoid()
        column_gates: Tensor = self.width(columns).sigmoid().transpose(2, 3)  # (B, C, 1, W)
        return x * column_gates * row_gates
