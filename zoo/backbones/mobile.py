"""MobileNetV2 (Sandler et al., CVPR 2018) with room for attention in every inverted residual."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor, nn

from zoo.backbones.levels import Features, Part
from zoo.blocks import ConvNormAct, convolution
from zoo.places import Insertion, Place, present


class Stage(NamedTuple):
    """``repeats`` inverted residuals; the first has the stride. (t, c, n, s) of the paper."""

    expansion: int
    channels: int
    repeats: int
    stride: int


@dataclass(frozen=True, slots=True)
class Form:
    """The stages between the stem and the last 1×1 stage, and that stage's channels."""

    stages: tuple[Stage, ...]
    last_channels: int


STEM_CHANNELS = 32
REPLACEABLE = (96, 160)  # stages whose last block ULSAM's paper replaces

STANDARD = Form(
    (
        Stage(1, 16, 1, 1),
        Stage(6, 24, 2, 2),
        Stage(6, 32, 3, 2),
        Stage(6, 64, 4, 2),
        Stage(6, 96, 3, 1),
        Stage(6, 160, 3, 2),
        Stage(6, 320, 1, 1),
    ),
    last_channels=1280,
)
ARTICLE = Form(  # of the SimAM article: no 24-channel stage, two blocks of 160, strides to 16
    (
        Stage(1, 16, 1, 1),
        Stage(6, 32, 3, 2),
        Stage(6, 64, 4, 2),
        Stage(6, 96, 3, 1),
        Stage(6, 160, 2, 2),
        Stage(6, 320, 1, 1),
    ),
    last_channels=320,
)


class InvertedResidual(nn.Module):
    """Widen, filter per channel, narrow; (B, C, H, W) to (B, C', H/stride, W/stride).

    The input is added back where the shapes allow. Attention before the projection is left out
    where there is no widening, as coordinate attention's authors do.
    """

    def __init__(
        self,
        channels: int,
        out_channels: int,
        *,
        expansion: int,
        stride: int,
        attention: Insertion,
    ) -> None:
        super().__init__()
        hidden = channels * expansion
        widens = expansion != 1
        self.conv = nn.Sequential(
            *present(
                ConvNormAct(convolution(channels, hidden, kernel=1)) if widens else None,
                attention.at(Place.BEFORE_SPATIAL, hidden),
                ConvNormAct(
                    convolution(hidden, hidden, kernel=3, stride=stride, groups=hidden),
                    before_norm=attention.at(Place.SPATIAL_NORM, hidden),
                ),
                attention.at(Place.BEFORE_PROJECTION, hidden) if widens else None,
                convolution(hidden, out_channels, kernel=1),
                nn.BatchNorm2d(out_channels),
                attention.at(Place.BRANCH_END, out_channels),
            )
        )
        self.residual = stride == 1 and channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """Run the block."""
        answer: Tensor = self.conv(x)
        return x + answer if self.residual else answer


def mobilenet_v2(form: Form, attention: Insertion) -> Features:
    """Stem, inverted residuals and a last 1×1 stage; keys are those of the usual MobileNetV2."""
    return Features(list(_parts(form, attention)), attention)


def _parts(form: Form, attention: Insertion) -> Iterator[Part]:
    stride, channels, child = 2, STEM_CHANNELS, 0
    yield Part("0", ConvNormAct(convolution(3, channels, kernel=3, stride=2)), channels, stride)
    for stage in form.stages:
        stride *= stage.stride
        for block in _blocks(stage, channels, attention):
            child += 1
            yield Part(str(child), block, stage.channels, stride)
        channels = stage.channels
    last = ConvNormAct(convolution(channels, form.last_channels, kernel=1))
    yield Part(str(child + 1), last, form.last_channels, stride)


def _blocks(stage: Stage, channels: int, attention: Insertion) -> Iterator[nn.Module]:
    for position in range(stage.repeats):
        if position == stage.repeats - 1 and stage.channels in REPLACEABLE:
            replacement = attention.at(Place.IN_PLACE_OF_BLOCK, stage.channels)
            if replacement is not None:
                yield replacement
                continue
        yield InvertedResidual(
            channels,
            stage.channels,
            expansion=stage.expansion,
            stride=stage.stride if position == 0 else 1,
            attention=attention,
        )
        channels = stage.channels
