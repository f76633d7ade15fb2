"""Spatial Group-wise Enhance: Improving Semantic Feature Learning in CNNs (Li et al., 2019)."""

import torch
from torch import Tensor, nn

from zoo.attention.precision import wide


class SGE(nn.Module):
    """Weighs each position of a group of channels by its likeness to the group's mean vector.

    In each group t(n) = sum over its channels of x(n) · mean(x); t is normalised over the N
    positions as (t - mean) / (deviation + 1e-5), with N - 1 in the deviation, and
    y = x · sigmoid(weight · t + bias): (B, C, H, W) in, the same shape out. 2·groups parameters.
    ``weight`` starts at 0. A 1×1 map, where the deviation would be 0/0, is treated as the constant
    map it is: t = 0, so the gate is sigmoid(bias). On any constant map t is rounding noise over
    1e-5: the answer is finite, but its gate is only good to about 1e-2 in float32.

    Args:
        channels: C.
        groups: how many groups of channels have a gate of their own.
        initial_bias: the authors' 1 (gates start at 0.731), or the article's 0 (at 0.5).

    Raises:
        ValueError: the channels do not divide into the groups.
    """

    def __init__(self, channels: int, *, groups: int = 64, initial_bias: float = 1.0) -> None:
        super().__init__()
        if groups < 1 or channels < 1 or channels % groups:
            raise ValueError(f"groups is {groups}; it must divide the {channels} channels")
        self.groups = groups
        self.epsilon = 1e-5  # added to the deviation itself, not to the variance
        self.weight = nn.Parameter(torch.zeros(1, groups, 1, 1))
        self.bias = nn.Parameter(torch.full((1, groups, 1, 1), initial_bias))

    def forward(self, x: Tensor) -> Tensor:
        """Gate ``x``; the statistics are taken in float32 when ``x`` is half precision."""
        b, c, h, w = x.shape
        members = wide(x).reshape(b * self.groups, c // self.groups, h * w)
        means = members.mean(dim=2).unsqueeze(1)  # (B · groups, 1, C / groups)
        likeness = torch.bmm(means, members).reshape(b, self.groups, 1, h * w)
        likeness -= likeness.mean(dim=3, keepdim=True)
        # std() is ten times slower on a CPU than a norm, whose gradient at 0 is as harmless.
        norm: Tensor = torch.linalg.vector_norm(likeness, dim=3, keepdim=True)
        deviation = norm / max(h * w - 1, 1) ** 0.5
        gate = (likeness * (self.weight / (deviation + self.epsilon))).add_(self.bias).sigmoid_()
        grouped = x.reshape(b, self.groups, c // self.groups, h * w)
        y: Tensor = grouped * gate.to(x.dtype)
        return y.reshape(b, c, h, w)
