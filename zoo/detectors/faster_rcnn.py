"""Faster R-CNN (Ren et al., NeurIPS 2015) on a feature pyramid (Lin et al., CVPR 2017)."""

from torch import Tensor

from zoo.detectors.backbone import DetectionBackbone
from zoo.detectors.designs import TwoStageDesign
from zoo.detectors.roi_heads import RoIHeads
from zoo.detectors.two_stage import TwoStageDetector


class FasterRCNN(TwoStageDetector):
    """Proposals and a head for classes and boxes; what it answers is said in Detector.

    Args:
        backbone: the features and the pyramid on them.
        design: sizes and thresholds.
        num_classes: without the background.
        first_id: of the classes.
    """

    def __init__(
        self,
        backbone: DetectionBackbone,
        design: TwoStageDesign,
        *,
        num_classes: int,
        first_id: int = 0,
    ) -> None:
        super().__init__(backbone, design, RoIHeads(design, num_classes + 1), first_id)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Boxes, scores, classes and count of the detections in ``images`` (B, 3, H, W)."""
        return self.detect(images)[1]
