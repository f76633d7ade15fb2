"""What Faster R-CNN and Mask R-CNN share: proposals, and then what they hold."""

from collections.abc import Sequence

from torch import Tensor

from zoo.detectors.backbone import DetectionBackbone, padded
from zoo.detectors.best import best_after_nms, filled
from zoo.detectors.designs import TwoStageDesign
from zoo.detectors.detector import Detector, Target
from zoo.detectors.roi_heads import BINS, Regions, RoIHeads
from zoo.detectors.rpn import RegionProposalNetwork


class TwoStageDetector(Detector):
    """A pyramid, a region proposal network and heads that look at the proposals.

    Args:
        backbone: its coarsest map has proposals, but is not looked at again.
        design: sizes and thresholds.
        heads: the second stage.
        first_id: of the class that is not the background and comes first.
    """

    def __init__(
        self, backbone: DetectionBackbone, design: TwoStageDesign, heads: RoIHeads, first_id: int
    ) -> None:
        super().__init__(
            backbone,
            score_threshold=design.score_threshold,
            nms_threshold=design.nms_threshold,
            max_detections=design.max_detections,
        )
        self.rpn = RegionProposalNetwork(design, levels=len(backbone.chosen) + 1)
        self.roi_heads = heads
        self.first_id = first_id

    def detect(self, images: Tensor) -> tuple[list[Tensor], tuple[Tensor, Tensor, Tensor, Tensor]]:
        """The maps that the heads look at, and boxes, scores, classes and count in ``images``."""
        image_hw = (images.shape[-2], images.shape[-1])
        batch = padded(images)
        maps = self.backbone(batch)
        proposals, found = self.rpn(maps, (batch.shape[-2], batch.shape[-1]), image_hw)
        looked_at = maps[:-1]
        boxes, scores, classes, usable = self.roi_heads(looked_at, proposals, found, image_hw)
        index, kept = best_after_nms(
            boxes,
            scores,
            classes,
            usable & (scores > self.score_threshold),
            self.nms_threshold,
            self.max_detections,
        )
        return looked_at, filled(boxes, scores, classes + self.first_id, index, kept)

    def loss(self, images: Tensor, targets: Sequence[Target]) -> dict[str, Tensor]:
        """``objectness``, ``proposal_regression``, ``classification`` and ``bbox_regression``.

        As Detector says.
        """
        image_hw = (images.shape[-2], images.shape[-1])
        batch = padded(images)
        maps = self.backbone(batch)
        truths = [target.boxes for target in targets]
        proposals, found, losses = self.rpn.learn(
            maps, (batch.shape[-2], batch.shape[-1]), image_hw, truths
        )
        samples = [
            self.roi_heads.sample(boxes[there], target.boxes, target.labels - self.first_id + 1)
            for boxes, there, target in zip(proposals, found, targets, strict=True)
        ]
        return losses | self.loss_of_heads(maps[:-1], samples, targets, image_hw)

    def loss_of_heads(
        self,
        maps: list[Tensor],
        samples: Sequence[Regions],
        targets: Sequence[Target],
        image_hw: tuple[int, int],
    ) -> dict[str, Tensor]:
        """The parts of the second stage, from the regions of each image that are learnt from."""
        truths = [target.boxes for target in targets]
        return self.roi_heads.losses(maps, samples, truths, image_hw)

    def run_layers(self, images: Tensor) -> None:
        """As Detector says: as if every proposal were there."""
        maps = self.backbone(padded(images))
        self.rpn.head(maps)
        regions = len(images) * self.rpn.proposals
        pooled = images.new_zeros(regions, self.roi_heads.channels, BINS, BINS)
        self.roi_heads.box_predictor(self.roi_heads.box_head(pooled))
