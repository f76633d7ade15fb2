"""Feature pyramid networks (Lin et al., CVPR 2017): fine maps that know what the coarse ones do."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, max_pool2d


class FeaturePyramid(nn.Module):
    """A backbone's maps, finest first, become as many with equal channels, and some coarser ones.

    Keys are those of published checkpoints: ``inner_blocks.i.0`` from the side,
    ``layer_blocks.i.0`` out, and ``extra_blocks``.

    Args:
        in_channels: of the maps.
        channels: of every map that comes out.
        extra: makes coarser maps of the coarsest one of these.
    """

    def __init__(self, in_channels: Sequence[int], channels: int, extra: nn.Module) -> None:
        super().__init__()
        self.inner_blocks = nn.ModuleList(
            nn.Sequential(nn.Conv2d(before, channels, 1)) for before in in_channels
        )
        self.layer_blocks = nn.ModuleList(
            nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1)) for _ in in_channels
        )
        self.extra_blocks = extra
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_uniform_(layer.weight, a=1)
                assert layer.bias is not None  # noqa: S101 - asked for above
                nn.init.zeros_(layer.bias)

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """(B, channels, H, W) each, of the sizes of ``maps``, and then the coarser ones."""
        inner: list[Tensor] = []
        for number, block in enumerate(self.inner_blocks):
            inner.append(block(maps[number]))
        for number in range(len(inner) - 2, -1, -1):
            size = inner[number].shape[-2:]
            inner[number] = inner[number] + interpolate(inner[number + 1], size=size)
        pyramid: list[Tensor] = []
        for number, block in enumerate(self.layer_blocks):
            pyramid.append(block(inner[number]))
        coarser: list[Tensor] = self.extra_blocks(pyramid[-1])
        return pyramid + coarser


class PooledLevel(nn.Module):
    """One more map: every other cell of the pyramid's coarsest."""

    def forward(self, coarsest: Tensor) -> list[Tensor]:
        """(B, C, H, W) to (B, C, H / 2, W / 2), sizes rounded up."""
        return [max_pool2d(coarsest, kernel_size=1, stride=2)]


class ConvolvedLevels(nn.Module):
    """Two more maps: the pyramid's coarsest, convolved once and twice.

    RetinaNet's paper (Lin et al., ICCV 2017) begins at the backbone's last map instead, the
    published weights here.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.p6 = nn.Conv2d(channels, channels, 3, stride=2, padding=1)
        self.p7 = nn.Conv2d(channels, channels, 3, stride=2, padding=1)

    def forward(self, coarsest: Tensor) -> list[Tensor]:
        """Of (B, C, H, W), maps of half and a quarter of its size, rounded up."""
        p6 = self.p6(coarsest)
        return [p6, self.p7(torch.relu(p6))]
