"""ResNet (He et al., CVPR 2016) and its ResNeXt and "d" forms, with room for attention."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn.functional import relu

from zoo.backbones.levels import Features, Part
from zoo.blocks import convolution
from zoo.places import Insertion, Place, present

Layers = Iterator[tuple[str, nn.Module | None]]  # None where no attention goes

STAGE_WIDTHS = (64, 128, 256, 512)
STEM_CHANNELS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """What tells one ResNet from another."""

    blocks: tuple[int, int, int, int]  # of each stage
    bottleneck: bool  # 1×1, 3×3, 1×1 blocks instead of two 3×3
    groups: int = 1  # of the 3×3 convolutions (ResNeXt, Xie et al., CVPR 2017)
    group_width: int = 64  # channels of one group in the first stage
    deep: bool = False  # ResNet-D (He et al., CVPR 2019): 3×3 stem, average-pooled shortcuts

    @property
    def expansion(self) -> int:
        """Channels that a block ends with, per channel of its stage's width."""
        return 4 if self.bottleneck else 1


RN18 = Design(blocks=(2, 2, 2, 2), bottleneck=False)
RN34 = Design(blocks=(3, 4, 6, 3), bottleneck=False)
RN50 = Design(blocks=(3, 4, 6, 3), bottleneck=True)
RN101 = Design(blocks=(3, 4, 23, 3), bottleneck=True)
RN152 = Design(blocks=(3, 8, 36, 3), bottleneck=True)
RESNEXT50_32X4D = Design(blocks=(3, 4, 6, 3), bottleneck=True, groups=32, group_width=4)
RN50D = Design(blocks=(3, 4, 6, 3), bottleneck=True, deep=True)


class Residual(nn.Sequential):
    """relu(branch(x) + downsample(x)); (B, C, H, W) to (B, C', H/stride, W/stride).

    The children are the layers of the branch in order, under the names of the usual ResNet, and
    then ``downsample``, the identity where the shapes allow.
    """

    def __init__(self, branch: Layers, downsample: nn.Module) -> None:
        layers = {name: layer for name, layer in branch if layer is not None}
        super().__init__(OrderedDict(**layers, downsample=downsample))
        self.depth = len(layers)

    def forward(self, x: Tensor) -> Tensor:
        """Run the block."""
        answer = shortcut = x
        for position, layer in enumerate(self):
            if position < self.depth:
                answer = layer(answer)
            else:
                shortcut = layer(x)
        return relu(answer + shortcut)


def resnet(design: Design, attention: Insertion) -> Features:
    """The features of a ResNet; the stride of a block is that of its 3×3 convolution.

    State_dict keys are those of the usual ResNet. The attention of a block is its child
    ``attention``.
    """
    return Features([*_stem(design), *_stages(design, attention)], attention)


def _stem(design: Design) -> Iterator[Part]:
    width = STEM_CHANNELS
    yield Part("conv1", _deep_stem() if design.deep else _plain_stem(), width, 2, level=False)
    yield Part("bn1", nn.BatchNorm2d(width), width, 2, level=False)
    yield Part("relu", nn.ReLU(inplace=True), width, 2, level=False)
    yield Part("maxpool", nn.MaxPool2d(3, stride=2, padding=1), width, 4, level=False)


def _plain_stem() -> nn.Conv2d:
    return convolution(3, STEM_CHANNELS, kernel=7, stride=2)


def _deep_stem() -> nn.Sequential:
    width = STEM_CHANNELS // 2
    return nn.Sequential(
        convolution(3, width, kernel=3, stride=2),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
        convolution(width, width, kernel=3),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
        convolution(width, STEM_CHANNELS, kernel=3),
    )


def _stages(design: Design, attention: Insertion) -> Iterator[Part]:
    channels, total_stride = STEM_CHANNELS, 4
    for index, width in enumerate(STAGE_WIDTHS):
        stride = 1 if index == 0 else 2
        total_stride *= stride
        stage = nn.Sequential(*_blocks(design, attention, index, channels, stride))
        channels = width * design.expansion
        yield Part(f"layer{index + 1}", stage, channels, total_stride)


def _blocks(
    design: Design, attention: Insertion, index: int, channels: int, stride: int
) -> Iterator[nn.Module]:
    """The blocks of stage ``index``; the last of the last two stages may be replaced."""
    out_channels = STAGE_WIDTHS[index] * design.expansion
    for position in range(design.blocks[index]):
        if index >= 2 and position == design.blocks[index] - 1:
            replacement = attention.at(Place.IN_PLACE_OF_BLOCK, out_channels)
            if replacement is not None:
                yield replacement
                continue
        layers = _branch(design, attention, STAGE_WIDTHS[index], channels, stride)
        yield Residual(layers, _shortcut(design, channels, out_channels, stride))
        channels, stride = out_channels, 1


def _branch(design: Design, attention: Insertion, width: int, channels: int, stride: int) -> Layers:
    if not design.bottleneck:
        return _basic(attention, width, channels, stride)
    inner = width * design.group_width * design.groups // STAGE_WIDTHS[0]
    middle = convolution(inner, inner, kernel=3, stride=stride, groups=design.groups)
    return _bottleneck(attention, channels, middle, width * design.expansion)


def _basic(attention: Insertion, width: int, channels: int, stride: int) -> Layers:
    """Two 3×3 convolutions; the second is the spatial one, which places refer to."""
    yield "conv1", convolution(channels, width, kernel=3, stride=stride)
    yield "bn1", nn.BatchNorm2d(width)
    yield "relu1", nn.ReLU(inplace=True)
    yield "attention", attention.at(Place.BEFORE_SPATIAL, width)
    yield "attention", attention.at(Place.BEFORE_PROJECTION, width)
    yield "conv2", convolution(width, width, kernel=3)
    yield "attention", attention.at(Place.SPATIAL_NORM, width)
    yield "bn2", nn.BatchNorm2d(width)
    yield "attention", attention.at(Place.BRANCH_END, width)


def _bottleneck(attention: Insertion, channels: int, middle: nn.Conv2d, outer: int) -> Layers:
    """1×1 to the channels of the ``middle`` 3×3 convolution, and 1×1 to ``outer``."""
    inner = middle.in_channels
    yield "conv1", convolution(channels, inner, kernel=1)
    yield "bn1", nn.BatchNorm2d(inner)
    yield "relu1", nn.ReLU(inplace=True)
    yield "attention", attention.at(Place.BEFORE_SPATIAL, inner)
    yield "conv2", middle
    yield "attention", attention.at(Place.SPATIAL_NORM, inner)
    yield "bn2", nn.BatchNorm2d(inner)
    yield "relu2", nn.ReLU(inplace=True)
    yield "attention", attention.at(Place.BEFORE_PROJECTION, inner)
    yield "conv3", convolution(inner, outer, kernel=1)
    yield "bn3", nn.BatchNorm2d(outer)
    yield "attention", attention.at(Place.BRANCH_END, outer)


def _shortcut(design: Design, channels: int, out_channels: int, stride: int) -> nn.Module:
    """The identity where shapes agree; else a 1×1 convolution, in "d" forms after a pool."""
    if stride == 1 and channels == out_channels:
        return nn.Identity()
    pool = None
    if design.deep and stride > 1:
        pool = nn.AvgPool2d(stride, stride, ceil_mode=True, count_include_pad=False)
        stride = 1
    conv = convolution(channels, out_channels, kernel=1, stride=stride)
    return nn.Sequential(*present(pool, conv, nn.BatchNorm2d(out_channels)))
