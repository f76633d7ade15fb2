"""CBAM: Convolutional Block Attention Module (Woo et al., ECCV 2018)."""

from collections.abc import Sequence
from typing import Final, Literal

import torch
from torch import Tensor, nn

from zoo.attention.precision import wide
from zoo.attention.width import squeezed

POOLS = ("avg", "max", "lp", "lse")


def pool(x: Tensor, kind: str) -> Tensor:
    """One number a channel, (B, C): mean, maximum, root of the sum of squares, log-sum-exp."""
    if kind == "avg":
        return x.mean(dim=(2, 3))
    if kind == "max":
        return x.amax(dim=(2, 3))
    if kind == "lp":
        norms: Tensor = torch.linalg.vector_norm(x, dim=(2, 3))  # it sums halves in float32 itself
        return norms
    exponents: Tensor = torch.logsumexp(wide(x), dim=(2, 3))
    return exponents.to(x.dtype)


class ChannelGate(nn.Module):
    """x · sigmoid(sum over the pools of MLP(pool(x))), the MLP being shared."""

    pools: Final[tuple[str, ...]]

    def __init__(self, channels: int, hidden: int, pools: tuple[str, ...], *, bias: bool) -> None:
        super().__init__()
        self.pools = pools
        self.mlp = nn.Sequential(
            nn.Linear(channels, hidden, bias=bias),
            nn.ReLU(inplace=True),
            nn.Linear(hidden, channels, bias=bias),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Gate the channels of ``x``."""
        pooled = torch.stack([pool(x, kind) for kind in self.pools])  # (pools, B, C)
        gate: Tensor = self.mlp(pooled).sum(dim=0).sigmoid()  # (B, C)
        return x * gate[:, :, None, None]


def _silent_norm() -> nn.BatchNorm2d:
    """The norm of one map whose scale starts at 0."""
    norm = nn.BatchNorm2d(1)
    nn.init.zeros_(norm.weight)
    return norm


class SpatialGate(nn.Module):
    """x · sigmoid(norm(conv([max over channels, mean over channels])))."""

    def __init__(self, kernel_size: int, *, norm: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, kernel_size, padding=kernel_size // 2, bias=not norm)
        self.norm = _silent_norm() if norm else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Gate the positions of ``x``."""
        maps = torch.cat([x.amax(dim=1, keepdim=True), x.mean(dim=1, keepdim=True)], dim=1)
        gate: Tensor = self.norm(self.conv(maps)).sigmoid()  # (B, 1, H, W)
        return x * gate


class CBAM(nn.Module):
    """A gate for each channel, then a gate for each position of the result.

    (B, C, H, W) in, the same shape out. With h = C // reduction and k = kernel_size the published
    form has 2·C·h + h + C + 2·k² + 2 parameters. Its spatial norm starts with scale 0, as in the
    authors' networks: before training every position's gate is 0.5.

    Args:
        channels: C.
        reduction: how many times narrower the hidden layer of the MLP is.
        pools: what the MLP sees of a channel, of "avg", "max", "lp" (root of the sum of squares)
            and "lse" (log-sum-exp); the MLP's answers are summed.
        kernel_size: of the spatial convolution, odd; None leaves the spatial gate out.
        form: "published", or the "article"'s: no biases in the MLP, a bias instead of a norm after
            the spatial convolution, and the input added to the answer, so that its gate lies in
            (1, 2); the article's kernel_size is 49.

    Raises:
        ValueError: the reduction leaves no hidden channel; ``pools`` is empty or has an unknown
            name; the kernel size is not a positive odd number; the form is an unknown word.
    """

    def __init__(
        self,
        channels: int,
        *,
        reduction: int = 16,
        pools: Sequence[str] = ("avg", "max"),
        kernel_size: int | None = 7,
        form: Literal["published", "article"] = "published",
    ) -> None:
        super().__init__()
        if not pools or not set(pools) <= set(POOLS):
            raise ValueError(f"pools is {tuple(pools)}; name one or more of {', '.join(POOLS)}")
        if kernel_size is not None and (kernel_size < 1 or kernel_size % 2 == 0):
            raise ValueError(
                f"kernel_size is {kernel_size}; it must be odd, to keep the map's size"
            )
        if form not in ("published", "article"):
            raise ValueError(f'form is {form!r}; choose "published" or "article"')
        published = form == "published"
        hidden = squeezed(channels, reduction, argument="reduction")
        self.channel = ChannelGate(channels, hidden, tuple(pools), bias=published)
        self.spatial = (
            nn.Identity() if kernel_size is None else SpatialGate(kernel_size, norm=published)
        )
        self.residual = not published

    def forward(self, x: Tensor) -> Tensor:
        """Gate channels, then positions of ``x``."""
        gated: Tensor = self.spatial(self.channel(x))
        return x + gated if self.residual else gated
