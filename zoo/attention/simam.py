"""SimAM: A Simple, Parameter-Free Attention Module (Yang et al., ICML 2021)."""

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss


class SimAM(nn.Module):
    """Weighs each pixel by how far it stands out from its channel; no parameters.

    With d = (x - mean)² over the N positions of one channel and v = sum(d) / (N - 1), the answer
    is x · sigmoid(d / (4 (v + λ)) + 1/2): (B, C, H, W) in, the same shape, dtype and layout out.
    A 1×1 map, where v would be 0/0, is treated as the constant map it is: v = 0, so the gate is
    sigmoid(1/2) ≈ 0.622.

    Args:
        channels: accepted as every mechanism does; the formula needs no channel count.
        lambda_: λ > 0. The paper's classifiers and detectors use 0.1, its stand-alone class 1e-4.

    Raises:
        ValueError: λ is not positive; a constant map would then give 0/0.
    """

    def __init__(self, channels: int, lambda_: float = 0.1) -> None:  # noqa: ARG002
        super().__init__()
        if not lambda_ > 0:
            raise ValueError(f"lambda_ is {lambda_}; it must be positive")
        self.lambda_ = lambda_

    def forward(self, x: Tensor) -> Tensor:
        """Gate ``x``; the statistics are taken in float32 when ``x`` is half precision."""
        half = x.dtype in (torch.float16, torch.bfloat16)  # sums of squares overflow
        wide = x.float() if half else x
        positions = x.shape[2] * x.shape[3]
        mean = wide.mean(dim=(2, 3), keepdim=True)
        # On a CPU this module is bound by memory. The squared difference, which torch calls a
        # loss, is one pass over the map instead of two, and so is squares · sharpness + 1/2.
        squares = mse_loss(wide, mean.expand_as(wide), reduction="none")
        variance = squares.sum(dim=(2, 3), keepdim=True) / max(positions - 1, 1)
        sharpness = 0.25 / (variance + self.lambda_)  # (B, C, 1, 1)
        energy = torch.addcmul(wide.new_full((1,), 0.5), squares, sharpness)
        return x * energy.sigmoid_().to(x.dtype)

    def extra_repr(self) -> str:
        """λ, for the printed form."""
        return f"lambda_={self.lambda_}"
