"""SA-Net: Shuffle Attention for Deep Convolutional Neural Networks (Zhang & Yang, ICASSP 2021)."""

import torch
from torch import Tensor, nn


class ShuffleAttention(nn.Module):
    """Gates half of each group by its channels' means, half by its positions; then shuffles.

    With a the first half of a group's channels and b the second, c = C / (2·groups) each:
    a · sigmoid(cweight · mean(a) + cbias) and b · sigmoid(sweight · norm(b) + sbias), norm being
    an instance norm with scale and shift. All groups share these parameters, 3·C / groups in all.
    The gated channels are then interleaved: output channel 2j is channel j, and 2j + 1 is channel
    C / 2 + j. (B, C, H, W) in, the same shape out. The weights start at 0 and the biases at 1:
    every gate is sigmoid(1) ≈ 0.731 before training. A 1×1 map equals its own mean: norm(b) is the
    norm's shift.

    Args:
        channels: C.
        groups: how many groups share the gates.

    Raises:
        ValueError: the channels do not divide into two halves of each group.
    """

    def __init__(self, channels: int, *, groups: int = 64) -> None:
        super().__init__()
        if groups < 1 or channels < 1 or channels % (2 * groups):
            raise ValueError(
                f"groups is {groups}; {channels} channels must be a multiple of 2 · groups"
            )
        self.groups = groups
        half = channels // (2 * groups)
        self.cweight = nn.Parameter(torch.zeros(1, half, 1, 1))
        self.cbias = nn.Parameter(torch.ones(1, half, 1, 1))
        self.sweight = nn.Parameter(torch.zeros(1, half, 1, 1))
        self.sbias = nn.Parameter(torch.ones(1, half, 1, 1))
        self.gn = nn.GroupNorm(half, half)

    def forward(self, x: Tensor) -> Tensor:
        """Gate and shuffle the channels of ``x``."""
        b, c, h, w = x.shape
        by_channel, by_position = x.reshape(b * self.groups, -1, h, w).chunk(2, dim=1)
        means = by_channel.mean(dim=(2, 3), keepdim=True)
        # The module's own call refuses a lone value, which is its own mean.
        normed = torch.group_norm(
            by_position, self.gn.num_groups, self.gn.weight, self.gn.bias, self.gn.eps
        )
        gated = torch.cat(
            [
                by_channel * (self.cweight * means + self.cbias).sigmoid(),
                by_position * (self.sweight * normed + self.sbias).sigmoid(),
            ],
            dim=1,
        )
        return gated.reshape(b, 2, c // 2, h, w).transpose(1, 2).reshape(b, c, h, w)
