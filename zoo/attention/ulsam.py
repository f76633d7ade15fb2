"""ULSAM: one spatial attention map per group of channels (Saini et al., WACV 2020)."""

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d, relu

from zoo.attention.precision import wide


class ULSAM(nn.Module):
    """Splits the channels into subspaces and lets each weigh the positions of its own map.

    In each subspace: scale and shift per channel, norm, ReLU, 3×3 max pool, one pointwise
    convolution to a single map, norm, ReLU, and a softmax A over all positions; the answer is
    x + A · x. A sums to one, so on a large map the answer is close to x, and on a 1×1 map it is
    exactly 2x. (B, C, H, W) in, the same shape out.

    The subspaces have parameters of their own but no exchange, so all of them run as one grouped
    convolution. Batch norms use the authors' momentum of 0.9.

    Args:
        channels: C.
        num_splits: g, how many subspaces; the authors' best results have 4.

    Raises:
        ValueError: ``num_splits`` does not divide ``channels``.
    """

    def __init__(self, channels: int, *, num_splits: int = 4) -> None:
        super().__init__()
        if num_splits < 1 or channels % num_splits:
            raise ValueError(
                f"num_splits is {num_splits}; it must be a positive divisor of {channels} channels"
            )
        self.num_splits = num_splits
        self.depthwise = nn.Conv2d(channels, channels, 1, groups=channels)
        self.depthwise_norm = nn.BatchNorm2d(channels, momentum=0.9)
        self.pointwise = nn.Conv2d(channels, num_splits, 1, groups=num_splits)
        self.pointwise_norm = nn.BatchNorm2d(num_splits, momentum=0.9)

    def forward(self, x: Tensor) -> Tensor:
        """Add to ``x`` its product with each subspace's map of positions."""
        batch, channels, height, width = x.shape
        features = relu(self.depthwise_norm(self.depthwise(x)))
        pooled = max_pool2d(features, kernel_size=3, stride=1, padding=1)
        scores = relu(self.pointwise_norm(self.pointwise(pooled)))  # (B, g, H, W)
        weights = wide(scores).flatten(2).softmax(dim=2).to(x.dtype)
        weights = weights.reshape(batch, self.num_splits, 1, height, width)
        split = x.reshape(batch, self.num_splits, channels // self.num_splits, height, width)
        return torch.addcmul(split, split, weights).reshape(batch, channels, height, width)

    def extra_repr(self) -> str:
        """How many subspaces, for the printed form."""
        return f"num_splits={self.num_splits}"
