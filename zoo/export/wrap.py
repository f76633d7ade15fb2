"""What Triton serves around a network: normalisation before it, probabilities after it."""

import torch
from torch import Tensor, nn

from zoo.normalise import Normalise


class ServedClassifier(nn.Module):
    """uint8 RGB images (B, H, W, 3) in, probabilities (B, classes) float32 out.

    ``network`` is a core network: normalised float images in, logits out.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.normalise = Normalise()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Each row of the answer sums to 1."""
        logits = self.network(self.normalise(images))
        return torch.softmax(logits, dim=1, dtype=torch.float32)
