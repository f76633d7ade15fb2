"""A backbone with a feature pyramid on it, and the padding that makes their strides whole."""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn.functional import pad

from zoo.backbones.levels import Features

SIZE_DIVISOR = 32  # pixels: the stride of the deepest map of every backbone


class DetectionBackbone(nn.Module):
    """Normalised images (B, 3, H, W) in, the maps of the pyramid out, finest first.

    Args:
        body: the features, whose declared levels say which maps there are.
        fpn: takes the chosen maps, gives those of the pyramid.
        strides: of the maps that ``fpn`` is built on, finest first.
    """

    def __init__(self, body: Features, fpn: nn.Module, strides: Sequence[int]) -> None:
        super().__init__()
        self.body = body
        self.fpn = fpn
        self.strides = list(strides)
        declared = [level.stride for level in body.levels]
        self.chosen = [declared.index(stride) for stride in strides]

    def forward(self, images: Tensor) -> list[Tensor]:
        """One map for each level of the pyramid; the sides of ``images`` divide by 32."""
        maps = self.body.pyramid(images)
        pyramid: list[Tensor] = self.fpn([maps[level] for level in self.chosen])
        return pyramid


def padded(images: Tensor, divisor: int = SIZE_DIVISOR) -> Tensor:
    """``images`` with zeros at the right and the bottom, both sides multiples of ``divisor``."""
    bottom = -images.shape[-2] % divisor
    right = -images.shape[-1] % divisor
    return pad(images, [0, right, 0, bottom])
