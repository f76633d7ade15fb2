"""MobileNetV2 (Sandler et al., CVPR 2018) with room for attention in every inverted residual."""

from collections.abc import Iterator
from typing import NamedTuple

from torch import Tensor, nn

from zoo.backbones.levels import FeatureLevel
from zoo.blocks import Attention, ConvNormAct, convolution


class Stage(NamedTuple):
    """``repeats`` inverted residuals; the first has the stride. (t, c, n, s) of the paper."""

    expansion: int
    channels: int
    repeats: int
    stride: int


STEM_CHANNELS = 32

ARTICLE_STAGES = (  # of the SimAM article: no 24-channel stage, two blocks of 160, strides to 16
    Stage(1, 16, 1, 1),
    Stage(6, 32, 3, 2),
    Stage(6, 64, 4, 2),
    Stage(6, 96, 3, 1),
    Stage(6, 160, 2, 2),
    Stage(6, 320, 1, 1),
)
ARTICLE_LAST_CHANNELS = 320


class InvertedResidual(nn.Module):
    """Widen, filter per channel, narrow; (B, C, H, W) to (B, C', H/stride, W/stride).

    The attention sits between the depthwise convolution and its batch norm, as SimAM's authors
    put it. The input is added back where the shapes allow.
    """

    def __init__(
        self,
        channels: int,
        out_channels: int,
        *,
        expansion: int,
        stride: int,
        attention: Attention,
    ) -> None:
        super().__init__()
        hidden = channels * expansion
        widen = [] if expansion == 1 else [ConvNormAct(convolution(channels, hidden, kernel=1))]
        depthwise = ConvNormAct(
            convolution(hidden, hidden, kernel=3, stride=stride, groups=hidden),
            attention(hidden),
        )
        narrow = convolution(hidden, out_channels, kernel=1)
        self.conv = nn.Sequential(*widen, depthwise, narrow, nn.BatchNorm2d(out_channels))
        self.residual = stride == 1 and channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """Run the block."""
        answer: Tensor = self.conv(x)
        return x + answer if self.residual else answer


class MobileNetV2(nn.Sequential):
    """Stem, inverted residuals and a last 1×1 stage; (B, 3, H, W) to (B, last, H/s, W/s).

    ``levels`` declares the last feature map of each stride, ``channels`` and ``stride`` the
    final one. State_dict keys are those of the usual MobileNetV2 below its ``features``.
    """

    def __init__(
        self,
        attention: Attention,
        *,
        stages: tuple[Stage, ...] = ARTICLE_STAGES,
        last_channels: int = ARTICLE_LAST_CHANNELS,
    ) -> None:
        super().__init__(
            ConvNormAct(convolution(3, STEM_CHANNELS, kernel=3, stride=2)),
            *_blocks(stages, attention),
            ConvNormAct(convolution(stages[-1].channels, last_channels, kernel=1)),
        )
        self.levels = _levels(stages, last_channels)
        self.channels = self.levels[-1].channels
        self.stride = self.levels[-1].stride


def _blocks(stages: tuple[Stage, ...], attention: Attention) -> Iterator[InvertedResidual]:
    channels = STEM_CHANNELS
    for stage in stages:
        for position in range(stage.repeats):
            yield InvertedResidual(
                channels,
                stage.channels,
                expansion=stage.expansion,
                stride=stage.stride if position == 0 else 1,
                attention=attention,
            )
            channels = stage.channels


def _levels(stages: tuple[Stage, ...], last_channels: int) -> tuple[FeatureLevel, ...]:
    """The deepest map of each stride: a later stage of the same stride replaces an earlier one."""
    stride, child = 2, 0
    deepest = {}
    for stage in stages:
        stride, child = stride * stage.stride, child + stage.repeats
        deepest[stride] = FeatureLevel(child, stage.channels, stride)
    deepest[stride] = FeatureLevel(child + 1, last_channels, stride)
    return tuple(deepest.values())
