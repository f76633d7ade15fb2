"""Layers for inference alone: what `fold` puts in the place of trained ones."""

from typing import Final

import torch
from torch import Tensor, nn


class Pointwise(nn.Module):
    """A 1×1 convolution, (B, C, H, W) to (B, C', H, W), that finds the faster kernel.

    On one CPU thread PyTorch multiplies matrices for batches below 16, half as fast on some
    processors as oneDNN would; the rows of a map, as a batch of their own, are enough to get
    there. Channels-last maps are not copied for it. GPUs have no such rule.
    """

    rows_for_onednn: Final[int] = 16  # the batch from which PyTorch hands the work to oneDNN

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: Tensor) -> Tensor:
        """Run the convolution."""
        b, c, h, w = x.shape
        if x.is_cuda or b * h < self.rows_for_onednn:
            direct: Tensor = self.conv(x)
            return direct
        rows = x.permute(0, 2, 3, 1).reshape(b * h, 1, w, c).permute(0, 3, 1, 2)
        answer: Tensor = self.conv(rows)  # (B · H, C', 1, W)
        return answer.permute(0, 2, 3, 1).reshape(b, h, w, -1).permute(0, 3, 1, 2)


class NormedSimAM(nn.Module):
    """SimAM and the batch norm after it, in the passes of SimAM alone.

    SimAM of s · x is s · SimAM of x if λ grows by s². So the norm's scale s moves into the
    convolution before, and its shift rides on the pass that applies the gate. Float32 only, and
    no gradients: the map of squares is overwritten step by step with the answer.

    Args:
        lambda_: λ · s² of each channel, (1, C, 1, 1), above 0.
        shift: what the norm adds to each channel, (1, C, 1, 1).
    """

    a_half: Tensor
    lambda_: Tensor
    shift: Tensor

    def __init__(self, lambda_: Tensor, shift: Tensor) -> None:
        super().__init__()
        self.register_buffer("a_half", torch.full((1,), 0.5))
        self.register_buffer("lambda_", lambda_)
        self.register_buffer("shift", shift)

    def forward(self, x: Tensor) -> Tensor:
        """Gate and shift ``x``, (B, C, H, W)."""
        positions = x.shape[2] * x.shape[3]
        mean = x.mean(dim=(2, 3), keepdim=True)
        squares = torch.ops.aten.mse_loss(x, mean, 0)  # (x - mean)²: 0 asks for no reduction
        variance = squares.sum(dim=(2, 3), keepdim=True) / max(positions - 1, 1)
        sharpness = 0.25 / (variance + self.lambda_)
        gate = torch.addcmul(self.a_half, squares, sharpness, out=squares).sigmoid_()
        return torch.addcmul(self.shift, x, gate, out=gate)
