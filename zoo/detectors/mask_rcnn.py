"""Mask R-CNN (He et al., ICCV 2017): Faster R-CNN that says which pixels of a box are meant."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, pad

from zoo.detectors.backbone import DetectionBackbone
from zoo.detectors.designs import TwoStageDesign
from zoo.detectors.detector import Target
from zoo.detectors.mask_head import MaskHead, MaskPredictor
from zoo.detectors.mask_targets import projected
from zoo.detectors.roi_align import MultiLevelRoIAlign
from zoo.detectors.roi_heads import Regions, RoIHeads, padded_together
from zoo.detectors.two_stage import TwoStageDetector

BINS = 14  # on each side of a region's map
MASK_SIDE = 28  # cells of a mask


class MaskRoIHeads(RoIHeads):
    """A branch for masks beside the one for boxes."""

    def __init__(self, design: TwoStageDesign, logits: int) -> None:
        super().__init__(design, logits)
        self.mask_pool = MultiLevelRoIAlign(BINS)
        self.mask_head = MaskHead(design.channels)
        self.mask_predictor = MaskPredictor(design.channels, logits)

    def masks(self, pooled: Tensor, labels: Tensor) -> Tensor:
        """From (R, C, 14, 14), the logits (R, 28, 28) of each region's class, ``labels`` (R,)."""
        logits = self.mask_predictor(self.mask_head(pooled))
        chosen: Tensor = logits[torch.arange(len(labels), device=labels.device), labels]
        return chosen


class MaskRCNN(TwoStageDetector):
    """Faster R-CNN and a mask for each detection; what it answers is said in Detector.

    Arguments are those of FasterRCNN.
    """

    def __init__(
        self,
        backbone: DetectionBackbone,
        design: TwoStageDesign,
        *,
        num_classes: int,
        first_id: int = 0,
    ) -> None:
        heads = MaskRoIHeads(design, num_classes + 1)
        super().__init__(backbone, design, heads, first_id)
        self.roi_heads: MaskRoIHeads = heads

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Boxes, scores, classes, count and masks of the detections in ``images`` (B, 3, H, W).

        Masks (B, K, 28, 28) are probabilities on a grid over the box.
        """
        maps, (boxes, scores, classes, count) = self.detect(images)
        most = max(1, int(count.max()))  # the slots that no image fills need no masks
        image_hw = (images.shape[-2], images.shape[-1])
        pooled = self.roi_heads.mask_pool(maps, boxes[:, :most], image_hw)
        labels = (classes[:, :most] - self.first_id + 1).flatten()
        masks = self.roi_heads.masks(pooled, labels).sigmoid()
        found = torch.arange(most, device=count.device) < count  # (B, most)
        shown = masks.reshape(-1, most, masks.shape[1], masks.shape[2]) * found[:, :, None, None]
        filled = pad(shown, [0, 0, 0, 0, 0, boxes.shape[1] - most])
        return boxes, scores, classes, count, filled

    def loss_of_heads(
        self,
        maps: list[Tensor],
        samples: Sequence[Regions],
        targets: Sequence[Target],
        image_hw: tuple[int, int],
    ) -> dict[str, Tensor]:
        """Those of Faster R-CNN, and ``mask``, per pixel of the regions that hold an object."""
        losses = super().loss_of_heads(maps, samples, targets, image_hw)
        objects = [sample.objects() for sample in samples]
        wanted = torch.cat(
            [
                projected(_masks(target), sample.boxes, sample.matched, MASK_SIDE)
                for target, sample in zip(targets, objects, strict=True)
            ]
        )
        regions, there = padded_together([sample.boxes for sample in objects])
        pooled = self.roi_heads.mask_pool(maps, regions, image_hw)[there.flatten()]
        logits = self.roi_heads.masks(pooled, torch.cat([sample.labels for sample in objects]))
        error = binary_cross_entropy_with_logits(logits, wanted, reduction="sum")
        return losses | {"mask": error / max(1, wanted.numel())}

    def run_layers(self, images: Tensor) -> None:
        """As Detector says: as if every proposal and every detection were there."""
        super().run_layers(images)
        detections = len(images) * self.max_detections
        pooled = images.new_zeros(detections, self.roi_heads.channels, BINS, BINS)
        self.roi_heads.mask_predictor(self.roi_heads.mask_head(pooled))


def _masks(target: Target) -> Tensor:
    if target.masks is None:
        raise ValueError("targets have no masks, which Mask R-CNN learns from")
    return target.masks
