"""RetinaNet (Lin et al., ICCV 2017): classes and boxes of all anchors at once."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import l1_loss

from zoo.detectors.anchors import AnchorGrid
from zoo.detectors.backbone import DetectionBackbone, padded
from zoo.detectors.best import best_after_nms, best_of, filled
from zoo.detectors.coding import BoxCoder
from zoo.detectors.designs import RetinaNetDesign
from zoo.detectors.detector import Detector, Target
from zoo.detectors.geometry import clip, iou
from zoo.detectors.losses import focal_loss
from zoo.detectors.matching import BETWEEN, Matcher
from zoo.detectors.retinanet_head import RetinaNetHead

EXTRA_LEVELS = 2  # of the pyramid, above the backbone's maps
HIGH, LOW = 0.5, 0.4  # IoU from which an anchor stands for an object, and below which for none


class RetinaNet(Detector):
    """A pyramid with two dense heads; what it answers is said in Detector."""

    def __init__(
        self, backbone: DetectionBackbone, design: RetinaNetDesign, *, num_classes: int
    ) -> None:
        super().__init__(
            backbone,
            score_threshold=design.score_threshold,
            nms_threshold=design.nms_threshold,
            max_detections=design.max_detections,
        )
        levels = len(backbone.chosen) + EXTRA_LEVELS
        self.anchors = AnchorGrid(design.anchor_sizes(levels), design.ratios)
        self.head = RetinaNetHead(
            design.channels,
            depth=design.head_depth,
            anchors=self.anchors.per_cell,
            num_classes=num_classes,
        )
        self.coder = BoxCoder()
        self.candidates = design.candidates
        self.matcher = Matcher(HIGH, LOW, keep_best=True)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Boxes, scores, classes and count of the detections in ``images`` (B, 3, H, W)."""
        image_hw = (images.shape[-2], images.shape[-1])
        batch = padded(images)
        maps = self.backbone(batch)
        logits, deltas = self.head(maps)
        anchors = self.anchors(maps, (batch.shape[-2], batch.shape[-1]))
        boxes: list[Tensor] = []
        scores: list[Tensor] = []
        classes: list[Tensor] = []
        for level, level_logits in enumerate(logits):
            # One candidate is an anchor and a class.
            best, index = best_of(level_logits.sigmoid().flatten(1), self.candidates)
            anchor = index.div(level_logits.shape[2], rounding_mode="floor")
            corners = anchor.unsqueeze(2).expand(-1, -1, 4)
            decoded = self.coder.decode(deltas[level].gather(1, corners), anchors[level][anchor])
            boxes.append(clip(decoded, image_hw))
            scores.append(best)
            classes.append(index % level_logits.shape[2])
        return self._suppress(torch.cat(boxes, 1), torch.cat(scores, 1), torch.cat(classes, 1))

    def _suppress(
        self, boxes: Tensor, scores: Tensor, classes: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        index, found = best_after_nms(
            boxes,
            scores,
            classes,
            scores > self.score_threshold,
            self.nms_threshold,
            self.max_detections,
        )
        return filled(boxes, scores, classes, index, found)

    def loss(self, images: Tensor, targets: Sequence[Target]) -> dict[str, Tensor]:
        """``classification`` and ``bbox_regression``, each per object anchor of an image.

        As Detector says.
        """
        batch = padded(images)
        maps = self.backbone(batch)
        head_logits, head_deltas = self.head(maps)
        logits, deltas = torch.cat(head_logits, dim=1), torch.cat(head_deltas, dim=1)
        anchors = torch.cat(self.anchors(maps, (batch.shape[-2], batch.shape[-1])))
        parts = [
            self._loss_of_one(of_anchors, offsets, anchors, target)
            for of_anchors, offsets, target in zip(logits, deltas, targets, strict=True)
        ]
        classification, regression = (torch.stack(part).mean() for part in zip(*parts, strict=True))
        return {"classification": classification, "bbox_regression": regression}

    def _loss_of_one(
        self, logits: Tensor, deltas: Tensor, anchors: Tensor, target: Target
    ) -> tuple[Tensor, Tensor]:
        """Of one image, from logits (anchors, classes) and deltas (anchors, 4)."""
        matched = self.matcher(iou(target.boxes, anchors))
        objects = (matched >= 0).nonzero().squeeze(1)
        truth = matched[objects]
        wanted = torch.zeros_like(logits)
        wanted[objects, target.labels[truth]] = 1.0
        learnt = matched != BETWEEN
        encoded = self.coder.encode(target.boxes[truth], anchors[objects])
        regression = l1_loss(deltas[objects], encoded, reduction="sum")
        count = max(1, len(objects))
        return focal_loss(logits[learnt], wanted[learnt]) / count, regression / count

    def run_layers(self, images: Tensor) -> None:
        """As Detector says: the pyramid and the heads."""
        self.head(self.backbone(padded(images)))
