"""What Faster R-CNN computes of a region: which class it holds, and where exactly."""

import torch
from torch import Tensor, nn


class BoxHead(nn.Module):
    """Two linear layers on the pooled map of a region."""

    def __init__(self, inputs: int, representation: int) -> None:
        super().__init__()
        self.fc6 = nn.Linear(inputs, representation)
        self.fc7 = nn.Linear(representation, representation)

    def forward(self, pooled: Tensor) -> Tensor:
        """(R, C, H, W) to (R, representation)."""
        return torch.relu(self.fc7(torch.relu(self.fc6(pooled.flatten(1)))))


class BoxPredictor(nn.Module):
    """Logits of the classes, which compete, and box deltas for each of them."""

    def __init__(self, representation: int, logits: int) -> None:
        super().__init__()
        self.cls_score = nn.Linear(representation, logits)
        self.bbox_pred = nn.Linear(representation, logits * 4)

    def forward(self, regions: Tensor) -> tuple[Tensor, Tensor]:
        """Of (R, representation), logits (R, classes) and deltas (R, classes, 4)."""
        return self.cls_score(regions), self.bbox_pred(regions).unflatten(1, [-1, 4])
