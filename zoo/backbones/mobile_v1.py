"""MobileNetV1 (Howard et al., 2017) with room for attention in every separable block."""

from collections.abc import Iterator

from torch import nn

from zoo.backbones.levels import Features, Part
from zoo.blocks import ConvNormAct, convolution
from zoo.places import Insertion, Place, present

STEM_CHANNELS = 32
BLOCKS = (  # (channels, stride) of each
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    *5 * ((512, 1),),
    (1024, 2),
    (1024, 1),
)
REPLACEABLE = 11  # the last 512 → 512 block, which ULSAM's paper replaces; the stem is 0


def mobilenet_v1(attention: Insertion) -> Features:
    """A stem and thirteen depthwise separable blocks without shortcuts; ReLU throughout."""
    return Features(list(_parts(attention)), attention)


def _parts(attention: Insertion) -> Iterator[Part]:
    channels, total_stride = STEM_CHANNELS, 2
    stem = _conv_norm_relu(convolution(3, channels, kernel=3, stride=2))
    yield Part("0", stem, channels, total_stride)
    for child, (out_channels, stride) in enumerate(BLOCKS, start=1):
        total_stride *= stride
        block = _separable(channels, out_channels, stride, attention)
        if child == REPLACEABLE:
            block = attention.at(Place.IN_PLACE_OF_BLOCK, out_channels) or block
        yield Part(str(child), block, out_channels, total_stride)
        channels = out_channels


def _separable(channels: int, out_channels: int, stride: int, attention: Insertion) -> nn.Module:
    """Filter per channel, then mix; (B, C, H, W) to (B, C', H/stride, W/stride)."""
    depthwise = convolution(channels, channels, kernel=3, stride=stride, groups=channels)
    return nn.Sequential(
        *present(
            attention.at(Place.BEFORE_SPATIAL, channels),
            _conv_norm_relu(depthwise, before_norm=attention.at(Place.SPATIAL_NORM, channels)),
            attention.at(Place.BEFORE_PROJECTION, channels),
            _conv_norm_relu(
                convolution(channels, out_channels, kernel=1),
                after_norm=attention.at(Place.BRANCH_END, out_channels),
            ),
        )
    )


def _conv_norm_relu(
    conv: nn.Conv2d,
    *,
    before_norm: nn.Module | None = None,
    after_norm: nn.Module | None = None,
) -> ConvNormAct:
    relu = nn.ReLU(inplace=True)
    return ConvNormAct(conv, before_norm=before_norm, after_norm=after_norm, activation=relu)
