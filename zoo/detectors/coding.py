"""Boxes as offsets from anchors (Girshick et al., CVPR 2014, appendix C; R-CNN's box coder)."""

from collections.abc import Sequence
from math import log
from typing import Final

import torch
from torch import Tensor, nn


class BoxCoder(nn.Module):
    """Offsets of the centre in sides of the anchor, and logarithms of the ratios of the sides.

    Args:
        weights: factors of the offsets in x and y, and of the logarithms of width and height.
    """

    largest: Final = log(1000 / 16)  # logarithm of a decoded side's stretch, so exp stays finite

    def __init__(self, weights: Sequence[float] = (1.0, 1.0, 1.0, 1.0)) -> None:
        super().__init__()
        self.x, self.y, self.width, self.height = (float(weight) for weight in weights)

    def encode(self, boxes: Tensor, anchors: Tensor) -> Tensor:
        """What has to be predicted at ``anchors`` to give ``boxes``; all (…, 4).

        Sides of both must be above 0.
        """
        centre_x, centre_y, width, height = _centred(anchors)
        box_x, box_y, box_width, box_height = _centred(boxes)
        return torch.stack(
            (
                self.x * (box_x - centre_x) / width,
                self.y * (box_y - centre_y) / height,
                self.width * torch.log(box_width / width),
                self.height * torch.log(box_height / height),
            ),
            dim=-1,
        )

    def decode(self, deltas: Tensor, anchors: Tensor) -> Tensor:
        """The boxes that ``deltas`` make of ``anchors``; all (…, 4), the last broadcast."""
        centre_x, centre_y, width, height = _centred(anchors)
        x = deltas[..., 0] / self.x * width + centre_x
        y = deltas[..., 1] / self.y * height + centre_y
        half_width = 0.5 * width * torch.exp((deltas[..., 2] / self.width).clamp(max=self.largest))
        half_height = (
            0.5 * height * torch.exp((deltas[..., 3] / self.height).clamp(max=self.largest))
        )
        return torch.stack(
            (x - half_width, y - half_height, x + half_width, y + half_height), dim=-1
        )


def _centred(boxes: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Centres and sides, each of shape (…)."""
    width = boxes[..., 2] - boxes[..., 0]
    height = boxes[..., 3] - boxes[..., 1]
    return boxes[..., 0] + 0.5 * width, boxes[..., 1] + 0.5 * height, width, height
