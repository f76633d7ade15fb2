"""The few pieces that every network shares."""

from collections.abc import Callable

from torch import nn

Attention = Callable[[int], nn.Module | None]
"""Builds the attention of one place from its channel count; None leaves the place empty."""


def convolution(
    channels: int, out_channels: int, *, kernel: int, stride: int = 1, groups: int = 1
) -> nn.Conv2d:
    """Convolution without bias; odd kernels are padded so that stride 1 keeps the map's size."""
    return nn.Conv2d(channels, out_channels, kernel, stride, kernel // 2, groups=groups, bias=False)


class ConvNormAct(nn.Sequential):
    """Convolution, batch norm, ReLU6.

    ``attention`` sits between the convolution and its norm, and shifts the norm's index in the
    state_dict from 1 to 2.
    """

    def __init__(self, conv: nn.Conv2d, attention: nn.Module | None = None) -> None:
        between = [] if attention is None else [attention]
        super().__init__(conv, *between, nn.BatchNorm2d(conv.out_channels), nn.ReLU6(inplace=True))
