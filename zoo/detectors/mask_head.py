"""What Mask R-CNN (He et al., ICCV 2017) computes of a region: a mask for each class."""

import torch
from torch import Tensor, nn

DEPTH = 4  # convolutions before the mask is enlarged


class MaskHead(nn.Sequential):
    """Convolutions on the pooled map of a region; keys are those of published checkpoints."""

    def __init__(self, channels: int) -> None:
        convolutions = [nn.Conv2d(channels, channels, 3, padding=1) for _ in range(DEPTH)]
        super().__init__(*(nn.Sequential(layer, nn.ReLU()) for layer in convolutions))
        _initialise(self)


class MaskPredictor(nn.Module):
    """The logits of every class's mask, on twice as fine a grid."""

    def __init__(self, channels: int, logits: int) -> None:
        super().__init__()
        self.conv5_mask = nn.ConvTranspose2d(channels, channels, 2, stride=2)
        self.mask_fcn_logits = nn.Conv2d(channels, logits, 1)
        _initialise(self)

    def forward(self, regions: Tensor) -> Tensor:
        """(R, C, H, W) to (R, classes, 2 · H, 2 · W)."""
        logits: Tensor = self.mask_fcn_logits(torch.relu(self.conv5_mask(regions)))
        return logits


def _initialise(part: nn.Module) -> None:
    for layer in part.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
