"""Polarized self-attention in its three published designs (Liu et al., Neurocomputing 2022)."""

from typing import Literal

import torch
from torch import Tensor, nn

from zoo.attention.precision import wide

Order = Literal["parallel", "sequential"]
Form = Literal["article", "official"]
_Softmax = Literal["query", "product", "value"]


class PolarizedSelfAttention(nn.Module):
    """Gates channels by a weighted look at all positions, and positions by a look at channels.

    Parallel (PSA_p): channel-gated x + spatially gated x. Sequential (PSA_s): the spatial gate is
    computed from, and applied to, the channel-gated x. (B, C, H, W) in, the same shape out; 1×1
    maps are ordinary ones, whose softmax over positions is 1.

    Args:
        channels: C, halved inside.
        order: which of the two arrangements.
        form: ``article`` is the paper's description, the same masks in both orders. ``official``
            is the authors' segmentation code, where each order has masks of its own; it exchanges
            no weights with the other form.

    Raises:
        ValueError: too few ``channels``, or an unknown ``order`` or ``form``.
    """

    def __init__(self, channels: int, *, order: Order = "parallel", form: Form = "article") -> None:
        super().__init__()
        if order not in ("parallel", "sequential"):
            raise ValueError(f"order is {order!r}; it must be 'parallel' or 'sequential'")
        if form not in ("article", "official"):
            raise ValueError(f"form is {form!r}; it must be 'article' or 'official'")
        least = 8 if (order, form) == ("sequential", "official") else 2
        if channels < least:
            raise ValueError(f"channels is {channels}; the {form} {order} form needs {least}")
        self.sequential = order == "sequential"
        up: nn.Module
        softmax: _Softmax
        if form == "article":
            up, softmax = _normed_up(channels), "query"
        elif order == "parallel":
            up, softmax = nn.Conv2d(channels // 2, channels, 1, bias=False), "product"
        else:
            up, softmax = _squeezed_up(channels), "value"
        self.channel = ChannelMask(channels, up, bias=form == "article")
        self.spatial = SpatialMask(channels, softmax, bias=form == "article")

    def forward(self, x: Tensor) -> Tensor:
        """Gate ``x`` by both masks."""
        gated: Tensor = x * self.channel(x)
        mask: Tensor = self.spatial(gated if self.sequential else x)
        return gated * mask if self.sequential else torch.addcmul(gated, x, mask)


class ChannelMask(nn.Module):
    """One gate per channel: sigmoid(up(Σ_n q_n V(x_n))), q a softmax over the positions."""

    def __init__(self, channels: int, up: nn.Module, *, bias: bool) -> None:
        super().__init__()
        self.query = nn.Conv2d(channels, 1, 1, bias=bias)
        self.value = nn.Conv2d(channels, channels // 2, 1, bias=bias)
        self.up = up

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) in, (B, C, 1, 1) out."""
        weights = self.query(x).flatten(2).softmax(dim=2)  # (B, 1, N)
        seen = torch.bmm(x.flatten(2), weights.transpose(1, 2)).unsqueeze(3)  # (B, C, 1, 1)
        # The weights sum to one, so V of the weighted mean is the weighted mean of V.
        gates: Tensor = self.up(self.value(seen)).sigmoid()
        return gates.reshape(x.shape[0], x.shape[1], 1, 1)


class SpatialMask(nn.Module):
    """One gate per position: sigmoid of g · θ, g the pooled query and θ the value.

    ``softmax`` says what is normalised first: the query over its channels, the product over the
    positions, or the value over the positions.
    """

    def __init__(self, channels: int, softmax: _Softmax, *, bias: bool) -> None:
        super().__init__()
        self.softmax: str = softmax
        self.query = nn.Conv2d(channels, channels // 2, 1, bias=bias)
        self.value = nn.Conv2d(channels, channels // 2, 1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) in, (B, 1, H, W) out; scores are float32 in half precision."""
        query = wide(self.query(x.mean(dim=(2, 3), keepdim=True))).flatten(2).transpose(1, 2)
        value = wide(self.value(x)).flatten(2)  # (B, C/2, N); the query is (B, 1, C/2)
        if self.softmax == "query":
            scores = torch.bmm(query.softmax(dim=2), value)
        elif self.softmax == "product":
            scores = torch.bmm(query, value).softmax(dim=2)
        else:
            scores = torch.bmm(query, value.softmax(dim=2))
        return scores.sigmoid().to(x.dtype).reshape(x.shape[0], 1, x.shape[2], x.shape[3])


def _normed_up(channels: int) -> nn.Sequential:
    """C/2 -> C, then layer norm over the channels."""
    return nn.Sequential(
        nn.Conv2d(channels // 2, channels, 1), nn.Flatten(), nn.LayerNorm(channels)
    )


def _squeezed_up(channels: int) -> nn.Sequential:
    """C/2 -> C/8 -> C, with layer norm and ReLU between."""
    squeezed = channels // 8
    return nn.Sequential(
        nn.Conv2d(channels // 2, squeezed, 1),
        nn.LayerNorm((squeezed, 1, 1)),
        nn.ReLU(),
        nn.Conv2d(squeezed, channels, 1),
    )
