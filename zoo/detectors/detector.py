"""What every detector promises: the same tuple in every mode, and losses to train it by."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from zoo.detectors.backbone import DetectionBackbone


class Target(NamedTuple):
    """What one training image holds.

    ``boxes`` (N, 4) are x1 y1 x2 y2 in pixels with sides above 0, ``labels`` (N,) int64 the ids
    of their classes, and ``masks`` (N, H, W) bool, for detectors that learn them.
    """

    boxes: Tensor
    labels: Tensor
    masks: Tensor | None = None

    def to(self, device: torch.device) -> "Target":
        """The same on ``device``."""
        masks = None if self.masks is None else self.masks.to(device)
        return Target(self.boxes.to(device), self.labels.to(device), masks)


class Detector(nn.Module, ABC):
    """Normalised float images (B, 3, H, W) of any size in, fixed numbers of detections out.

    `forward` answers boxes (B, K, 4) as x1 y1 x2 y2 in pixels, scores (B, K), classes (B, K) int64
    and count (B, 1) int64, and Mask R-CNN masks (B, K, 28, 28) too: the same tuple eager and
    scripted. The first ``count`` of the K slots are detections, best first; the others are zeros.
    No image has an influence on another.

    Attributes:
        backbone: the features and the pyramid on them.
        score_threshold: detections score more than this.
        nms_threshold: of two detections of one class whose IoU exceeds it, the better one stays.
        max_detections: K.
    """

    def __init__(
        self,
        backbone: DetectionBackbone,
        *,
        score_threshold: float,
        nms_threshold: float,
        max_detections: int,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.score_threshold = score_threshold
        self.nms_threshold = nms_threshold
        self.max_detections = max_detections

    @abstractmethod
    def loss(self, images: Tensor, targets: Sequence[Target]) -> dict[str, Tensor]:
        """The parts of the training loss by name, each a mean over ``images``; to be summed.

        Args:
            images: (B, 3, H, W), normalised.
            targets: of each image.
        """

    @abstractmethod
    def run_layers(self, images: Tensor) -> None:
        """Run every layer as often as ``images`` take, whatever is in them, to count what it costs.

        Which boxes are chosen has no influence on that, and images without content have none.
        """
