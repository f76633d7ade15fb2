"""Pixels to what every network of the zoo reads; training and the exported model share it."""

import torch
from torch import Tensor, nn

MEAN = (0.485, 0.456, 0.406)  # RGB in 0..1: ImageNet's, which published checkpoints expect
STD = (0.229, 0.224, 0.225)


class Normalise(nn.Module):
    """uint8 RGB images (B, H, W, 3) to normalised float32 (B, 3, H, W).

    The constants are buffers, so that they follow the network from device to device.
    """

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", _per_channel(MEAN))
        self.register_buffer("std", _per_channel(STD))

    def forward(self, images: Tensor) -> Tensor:
        """(images / 255 - mean) / std; the answer keeps the pixels' order in memory."""
        planes = images.permute(0, 3, 1, 2).to(torch.float32)  # (B, 3, H, W), channels last
        return (planes - self.mean) / self.std


def _per_channel(levels: tuple[float, float, float]) -> Tensor:
    """(1, 3, 1, 1), on the 0..255 scale of the pixels."""
    return (255 * torch.tensor(levels)).view(1, 3, 1, 1)
