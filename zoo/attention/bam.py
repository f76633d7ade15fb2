"""BAM: Bottleneck Attention Module (Park et al., BMVC 2018)."""

from typing import Final, Literal

from torch import Tensor, nn

from zoo.attention.width import squeezed


def _channel_branch(channels: int, hidden: int, layers: int) -> nn.Sequential:
    """``layers`` times linear, norm, ReLU, and a linear layer back to ``channels``."""
    branch: list[nn.Module] = []
    for layer in range(layers):
        width = hidden if layer else channels
        branch += [nn.Linear(width, hidden), nn.BatchNorm1d(hidden), nn.ReLU(inplace=True)]
    return nn.Sequential(*branch, nn.Linear(hidden, channels))


def _spatial_branch(
    channels: int, hidden: int, convs: int, *, dilation: int, padding: int
) -> nn.Sequential:
    """1×1 to ``hidden``, ``convs`` dilated 3×3, each with norm and ReLU, and 1×1 to one map."""
    branch: list[nn.Module] = [nn.Conv2d(channels, hidden, 1)]
    for _ in range(convs):
        branch += [nn.BatchNorm2d(hidden), nn.ReLU(inplace=True)]
        branch += [nn.Conv2d(hidden, hidden, 3, padding=padding, dilation=dilation)]
    branch += [nn.BatchNorm2d(hidden), nn.ReLU(inplace=True)]
    return nn.Sequential(*branch, nn.Conv2d(hidden, 1, 1))


class BAM(nn.Module):
    """Adds to the map its gated self, by channel and position at once.

    y = x · (1 + sigmoid(c · m)), with c = MLP(mean(x)) one number a channel and m = convs(x) one
    number a position: (B, C, H, W) in, the same shape out. With h = C // reduction there are
    3·C·h + C + 18·h² + 13·h + 1 parameters; 29·h² + 22·h instead in the article's form.

    Args:
        channels: C.
        reduction: how many times narrower the hidden layers of both branches are.
        dilation: of the 3×3 convolutions; the article's is 2.
        form: "code" multiplies c and m, as the authors' code does, whose weights and figures are
            public; "paper" adds them, as they write; "article" adds them and has three hidden
            layers in the MLP and three dilated convolutions, instead of one and two.
        padding: of the 3×3 convolutions; None is ``dilation``, which keeps the map's size. The
            article's listing has 1, a slip that shrinks m: a 7×7 map is gated by one number.

    Raises:
        ValueError: the reduction leaves no hidden channel; the form is an unknown word; dilation
            is below 1; the padding lies outside 0…dilation; or, on a call, a smaller padding
            shrinks m to a map that is not 1×1.
    """

    shrinks: Final[bool]  # a constant for the scripter, which then drops the check

    def __init__(
        self,
        channels: int,
        *,
        reduction: int = 16,
        dilation: int = 4,
        form: Literal["code", "paper", "article"] = "code",
        padding: int | None = None,
    ) -> None:
        super().__init__()
        if form not in ("code", "paper", "article"):
            raise ValueError(f'form is {form!r}; choose "code", "paper" or "article"')
        if dilation < 1:
            raise ValueError(f"dilation is {dilation}; it must be 1 or more")
        padding = dilation if padding is None else padding
        if not 0 <= padding <= dilation:
            raise ValueError(f"padding is {padding}; it must lie between 0 and dilation={dilation}")
        mlp_layers, dilated_convs = (3, 3) if form == "article" else (1, 2)
        hidden = squeezed(channels, reduction, argument="reduction")
        self.channel = _channel_branch(channels, hidden, mlp_layers)
        self.spatial = _spatial_branch(
            channels, hidden, dilated_convs, dilation=dilation, padding=padding
        )
        self.product = form == "code"
        self.shrinks = padding < dilation
        self.lost = 2 * dilated_convs * (dilation - padding)  # rows and columns

    def forward(self, x: Tensor) -> Tensor:
        """Gate ``x`` by channel and position."""
        if self.shrinks and not x.shape[2] == x.shape[3] == self.lost + 1:
            raise ValueError(
                f"the padding shrinks a map of {x.shape[2]}×{x.shape[3]} by {self.lost}; only one "
                f"of side {self.lost + 1} can be gated: set padding=None to keep the size"
            )
        channel: Tensor = self.channel(x.mean(dim=(2, 3)))[:, :, None, None]  # (B, C, 1, 1)
        spatial: Tensor = self.spatial(x)  # (B, 1, H, W)
        gate = (channel * spatial if self.product else channel + spatial).sigmoid()
        return x + x * gate
