"""Dual attention: positions attend to positions, channels to channels (Fu et al., CVPR 2019)."""

import torch
from torch import Tensor, nn

from zoo.attention.precision import wide
from zoo.blocks import convolution


class PositionAttention(nn.Module):
    """Each position adds a mixture of all positions: gamma · Σ_j A(i, j) V_j + x.

    A(i, ·) is the softmax of Q_i · K_j over j, without scaling. gamma starts at 0, so a new module
    is the identity. (B, C, H, W) in, the same shape out; time and memory grow with (H·W)².

    Raises:
        ValueError: fewer than 8 ``channels``; queries and keys have channels // 8.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        if channels < 8:
            raise ValueError(f"channels is {channels}; queries of channels // 8 need 8 or more")
        self.query = nn.Conv2d(channels, channels // 8, 1)
        self.key = nn.Conv2d(channels, channels // 8, 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        """Add to each position what it attends to; scores are float32 in half precision."""
        queries = wide(self.query(x)).flatten(2).transpose(1, 2)  # (B, N, C/8)
        keys = wide(self.key(x)).flatten(2)  # (B, C/8, N)
        weights = torch.bmm(queries, keys).softmax(dim=2).to(x.dtype)  # (B, N, N)
        mixed = torch.bmm(self.value(x).flatten(2), weights.transpose(1, 2))  # (B, C, N)
        return torch.addcmul(x, self.gamma, mixed.reshape(x.shape))


class ChannelAttention(nn.Module):
    """Each channel adds a mixture of all channels: gamma · A X + x.

    With E = X Xᵀ over the positions, A is the softmax of (row maximum - E): the less alike two
    channels are, the more one weighs in the other. gamma starts at 0, so a new module is the
    identity. (B, C, H, W) in, the same shape out; the formula needs no channel count.
    """

    def __init__(self, channels: int) -> None:  # noqa: ARG002
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        """Add to each channel what it attends to; products are float32 in half precision."""
        rows = x.flatten(2)  # (B, C, N)
        energy = torch.bmm(wide(rows), wide(rows).transpose(1, 2))  # (B, C, C)
        weights = (-energy).softmax(dim=2).to(x.dtype)  # a softmax ignores the row maximum
        return torch.addcmul(x, self.gamma, torch.bmm(weights, rows).reshape(x.shape))


class DualAttention(nn.Module):
    """Position and channel attention side by side, summed as in the published head.

    (B, C, H, W) in, the same shape out. Both parts carry the input, so a new module (gammas 0)
    answers 2x.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.position = PositionAttention(channels)
        self.channel = ChannelAttention(channels)

    def forward(self, x: Tensor) -> Tensor:
        """The sum of both attentions of ``x``."""
        position: Tensor = self.position(x)
        channel: Tensor = self.channel(x)
        return position + channel


class DANetHead(nn.Module):
    """The published segmentation head: two attention branches and their sum, each classified.

    Both branches work on channels // 4, between two 3×3 convolutions of their own. Answers three
    maps of shape (B, num_classes, H, W): of the sum, of the position and of the channel branch.

    Args:
        channels: of the backbone's last map; the authors' has 2048.
        num_classes: of each map.

    Raises:
        ValueError: fewer than 32 ``channels``; the position branch needs 8 of its own.
    """

    def __init__(self, channels: int, *, num_classes: int) -> None:
        super().__init__()
        if channels < 32:
            raise ValueError(f"channels is {channels}; branches of channels // 4 need 32 or more")
        inner = channels // 4
        self.position = _branch(channels, PositionAttention(inner))
        self.channel = _branch(channels, ChannelAttention(inner))
        self.classify_position = _classifier(inner, num_classes)
        self.classify_channel = _classifier(inner, num_classes)
        self.classify_sum = _classifier(inner, num_classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Class maps of the sum, the position branch and the channel branch."""
        position, channel = self.position(x), self.channel(x)
        return (
            self.classify_sum(position + channel),
            self.classify_position(position),
            self.classify_channel(channel),
        )


def _branch(channels: int, attention: nn.Module) -> nn.Sequential:
    inner = channels // 4
    return nn.Sequential(_conv_norm(channels, inner), attention, _conv_norm(inner, inner))


def _conv_norm(channels: int, out_channels: int) -> nn.Sequential:
    conv = convolution(channels, out_channels, kernel=3)
    return nn.Sequential(conv, nn.BatchNorm2d(out_channels), nn.ReLU())


def _classifier(channels: int, num_classes: int) -> nn.Sequential:
    return nn.Sequential(nn.Dropout2d(0.1), nn.Conv2d(channels, num_classes, 1))
