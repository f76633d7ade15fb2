"""Global Attention Mechanism: Retain Information to Enhance Channel-Spatial Interactions (2021).

Liu et al. published no code; the definition is that of the copies in circulation.
"""

from typing import Literal

from torch import Tensor, nn

from zoo.attention.width import squeezed


class GAM(nn.Module):
    """Multiplies each value by what its pixel's channels, then by what its surroundings say.

    With h = C // rate: x' = x · W2 relu(W1 x), a pixel at a time, then
    y = x' · sigmoid(norm(conv7×7(relu(norm(conv7×7(x')))))), C → h → C both times, all with
    biases. (B, C, H, W) in, the same shape out. 100·C·h + 4·h + 4·C parameters: about 25·C² at
    rate 4. The first factor is unbounded and may be negative, unless ``channel_sigmoid``.

    Args:
        channels: C.
        rate: how many times narrower the hidden layers are.
        channel_sigmoid: send the first factor through a sigmoid, as the paper draws it.
        padding_mode: of the 7×7 convolutions: "zeros" or "replicate".

    Raises:
        ValueError: the rate leaves no hidden channel; the padding mode is an unknown word.
    """

    def __init__(
        self,
        channels: int,
        *,
        rate: int = 4,
        channel_sigmoid: bool = False,
        padding_mode: Literal["zeros", "replicate"] = "zeros",
    ) -> None:
        super().__init__()
        if padding_mode not in ("zeros", "replicate"):
            raise ValueError(f'padding_mode is {padding_mode!r}; choose "zeros" or "replicate"')
        hidden = squeezed(channels, rate, argument="rate")
        self.channel = nn.Sequential(
            nn.Conv2d(channels, hidden, 1), nn.ReLU(inplace=True), nn.Conv2d(hidden, channels, 1)
        )
        self.spatial = nn.Sequential(
            nn.Conv2d(channels, hidden, 7, padding=3, padding_mode=padding_mode),
            nn.BatchNorm2d(hidden),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, channels, 7, padding=3, padding_mode=padding_mode),
            nn.BatchNorm2d(channels),
        )
        self.channel_sigmoid = channel_sigmoid

    def forward(self, x: Tensor) -> Tensor:
        """Weigh ``x`` by channels, then by surroundings."""
        weight: Tensor = self.channel(x)
        weighed = x * (weight.sigmoid() if self.channel_sigmoid else weight)
        gate: Tensor = self.spatial(weighed).sigmoid()
        return weighed * gate
