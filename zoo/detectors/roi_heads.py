"""The second stage of Faster R-CNN (Ren et al., NeurIPS 2015): what the proposals hold."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence

from zoo.detectors.box_head import BoxHead, BoxPredictor
from zoo.detectors.coding import BoxCoder
from zoo.detectors.designs import TwoStageDesign
from zoo.detectors.geometry import clip, iou, large_enough
from zoo.detectors.losses import smooth_l1
from zoo.detectors.matching import Matcher, balanced_sample
from zoo.detectors.roi_align import MultiLevelRoIAlign

BINS = 7  # on each side of a region's map
IOU = 0.5  # from which a region stands for an object; below, for the background
POSITIVE_SHARE = 0.25  # at most, of the regions that are learnt from
BETA = 1 / 9  # of the smooth L1 loss


class Regions(NamedTuple):
    """The S regions of one image that are learnt from."""

    boxes: Tensor  # (S, 4)
    matched: Tensor  # (S,), the object that each stands for; below 0, none
    labels: Tensor  # (S,), logits; 0 is the background

    def objects(self) -> "Regions":
        """Those that are not background."""
        held = self.labels > 0
        return Regions(self.boxes[held], self.matched[held], self.labels[held])


class RoIHeads(nn.Module):
    """Classes and exact boxes of regions; keys are those of published checkpoints.

    Args:
        design: says how wide the head is, and from how many regions it learns.
        logits: one for each class, the background first.
    """

    smallest_side: Final = 1e-2  # pixels

    def __init__(self, design: TwoStageDesign, logits: int) -> None:
        super().__init__()
        self.channels = design.channels
        self.training_regions = design.training_regions
        self.pool = MultiLevelRoIAlign(BINS)
        self.box_head = BoxHead(design.channels * BINS**2, design.representation)
        self.box_predictor = BoxPredictor(design.representation, logits)
        self.coder = BoxCoder((10.0, 10.0, 5.0, 5.0))
        self.matcher = Matcher(IOU, IOU, keep_best=False)

    def forward(
        self, maps: list[Tensor], regions: Tensor, found: Tensor, image_hw: tuple[int, int]
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Of every region with every class but the background, one after the other, a candidate.

        Boxes (B, N, 4), scores (B, N), classes (B, N) from 0, and (B, N) whether it may stay.

        Args:
            maps: (B, C, H, W) each, finest first.
            regions: (B, R, 4), x1 y1 x2 y2 in pixels.
            found: (B, R), which regions there are.
            image_hw: pixels, of the images without padding.
        """
        logits, deltas = self.predict(maps, regions, image_hw)
        scores = logits.softmax(dim=2)[:, :, 1:]  # (B, R, classes)
        decoded = self.coder.decode(deltas[:, :, 1:], regions.unsqueeze(2))
        boxes = clip(decoded, image_hw)  # (B, R, classes, 4)
        usable = found.unsqueeze(2) & large_enough(boxes, self.smallest_side)
        classes = torch.arange(scores.shape[2], device=scores.device).expand_as(scores)
        return boxes.flatten(1, 2), scores.flatten(1), classes.flatten(1), usable.flatten(1)

    def predict(
        self, maps: list[Tensor], regions: Tensor, image_hw: tuple[int, int]
    ) -> tuple[Tensor, Tensor]:
        """Logits (B, R, classes) and deltas (B, R, classes, 4), background included."""
        logits, deltas = self.box_predictor(self.box_head(self.pool(maps, regions, image_hw)))
        shape = [regions.shape[0], regions.shape[1]]
        return logits.unflatten(0, shape), deltas.unflatten(0, shape)

    def sample(self, proposals: Tensor, boxes: Tensor, labels: Tensor) -> Regions:
        """What to learn from in one image.

        Args:
            proposals: (P, 4); the objects themselves are added, as early proposals miss them.
            boxes: (N, 4), of the objects.
            labels: (N,), logits, from 1.
        """
        candidates = torch.cat((proposals, boxes))
        matched = self.matcher(iou(boxes, candidates))
        chosen = balanced_sample(matched, self.training_regions, POSITIVE_SHARE)
        matched = matched[chosen]
        classes = torch.zeros_like(matched)
        classes[matched >= 0] = labels[matched[matched >= 0]]
        return Regions(candidates[chosen], matched, classes)

    def losses(
        self,
        maps: list[Tensor],
        samples: Sequence[Regions],
        truths: Sequence[Tensor],
        image_hw: tuple[int, int],
    ) -> dict[str, Tensor]:
        """``classification`` and ``bbox_regression``, each per sampled region.

        ``samples`` and ``truths``, the boxes (N, 4) of the objects, are of each image.
        """
        regions, there = padded_together([sample.boxes for sample in samples])
        logits, deltas = self.predict(maps, regions, image_hw)
        labels = torch.cat([sample.labels for sample in samples])
        objects = labels > 0
        got = deltas[there][objects, labels[objects]]
        wanted = torch.cat(
            [
                self.coder.encode(boxes[held.matched], held.boxes)
                for boxes, held in zip(truths, map(Regions.objects, samples), strict=True)
            ]
        )
        return {
            "classification": cross_entropy(logits[there], labels),
            "bbox_regression": smooth_l1(got, wanted, BETA) / len(labels),
        }


def padded_together(boxes: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Boxes (S, 4) of each image as one (B, R, 4) with zeros, and (B, R) which are boxes."""
    there = [one.new_ones(len(one), dtype=torch.bool) for one in boxes]
    return pad_sequence(list(boxes), batch_first=True), pad_sequence(there, batch_first=True)
