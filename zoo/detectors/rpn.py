"""The region proposal network (Ren et al., NeurIPS 2015) on the maps of a feature pyramid."""

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from zoo.detectors.anchors import AnchorGrid
from zoo.detectors.best import best_of, leading, ranked_scores
from zoo.detectors.coding import BoxCoder
from zoo.detectors.designs import TwoStageDesign
from zoo.detectors.geometry import clip, iou, large_enough
from zoo.detectors.losses import smooth_l1
from zoo.detectors.matching import Matcher, balanced_sample
from zoo.detectors.nms import keep_mask
from zoo.detectors.rpn_head import RPNHead

HIGH, LOW = 0.7, 0.3  # IoU from which an anchor stands for an object, and below which for none
SAMPLED, POSITIVE_SHARE = 256, 0.5  # anchors of each image that the losses look at
BETA = 1 / 9  # of the smooth L1 loss


class RegionProposalNetwork(nn.Module):
    """The boxes of an image that may hold something, whatever it is.

    Args:
        design: says the anchors, and how many proposals there are.
        levels: how many maps it looks at.
    """

    smallest_side: Final = 1e-3  # pixels

    def __init__(self, design: TwoStageDesign, levels: int) -> None:
        super().__init__()
        self.anchors = AnchorGrid(design.anchor_sizes(levels), design.ratios)
        self.head = RPNHead(design.channels, self.anchors.per_cell)
        self.coder = BoxCoder()
        self.nms_threshold = design.proposal_nms_threshold
        self.proposals = design.proposals
        self.training_proposals = design.training_proposals
        self.matcher = Matcher(HIGH, LOW, keep_best=True)

    def forward(
        self, maps: list[Tensor], padded_hw: tuple[int, int], image_hw: tuple[int, int]
    ) -> tuple[Tensor, Tensor]:
        """Proposals (B, R, 4), best first, and (B, R) which of them there are; the others are 0.

        Args:
            maps: of the pyramid, (B, channels, H / stride, W / stride) each, finest first.
            padded_hw: pixels, of the images that the maps were computed from.
            image_hw: pixels, to which the proposals are clipped.
        """
        logits, deltas = self.head(maps)
        anchors = self.anchors(maps, padded_hw)
        return self.propose(logits, deltas, anchors, image_hw, self.proposals)

    def propose(
        self,
        logits: list[Tensor],
        deltas: list[Tensor],
        anchors: list[Tensor],
        image_hw: tuple[int, int],
        count: int,
    ) -> tuple[Tensor, Tensor]:
        """At most ``count`` of each level before NMS, and of each image after it.

        Levels leave each other alone in NMS, so each has its own. The first three arguments have
        an entry for each level: (B, N), (B, N, 4) and (N, 4).
        """
        boxes: list[Tensor] = []
        scores: list[Tensor] = []
        for level, level_logits in enumerate(logits):
            best, index = best_of(level_logits, count)
            corners = index.unsqueeze(2).expand(-1, -1, 4)
            decoded = self.coder.decode(deltas[level].gather(1, corners), anchors[level][index])
            candidates = clip(decoded, image_hw)
            valid = large_enough(candidates, self.smallest_side)
            keep = keep_mask(candidates, torch.zeros_like(index), valid, self.nms_threshold)
            boxes.append(candidates)
            scores.append(ranked_scores(best.sigmoid(), keep))
        ranks, order = torch.cat(scores, dim=1).sort(dim=1, descending=True, stable=True)
        chosen, found = leading(order, ranks >= 0.0, count)
        corners = chosen.unsqueeze(2).expand(-1, -1, 4)
        return torch.cat(boxes, dim=1).gather(1, corners) * found.unsqueeze(2), found

    def learn(
        self,
        maps: list[Tensor],
        padded_hw: tuple[int, int],
        image_hw: tuple[int, int],
        truths: Sequence[Tensor],
    ) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """More proposals, for the heads to train on, with their mask, and the network's losses.

        Args:
            maps: as in `forward`, and so are the sizes.
            padded_hw: likewise.
            image_hw: likewise.
            truths: of each image, the boxes (N, 4) of its objects.
        """
        logits, deltas = self.head(maps)
        anchors = self.anchors(maps, padded_hw)
        with torch.no_grad():
            boxes, found = self.propose(logits, deltas, anchors, image_hw, self.training_proposals)
        losses = self.losses(
            torch.cat(logits, dim=1), torch.cat(deltas, dim=1), torch.cat(anchors), truths
        )
        return boxes, found, losses

    def losses(
        self, logits: Tensor, deltas: Tensor, anchors: Tensor, truths: Sequence[Tensor]
    ) -> dict[str, Tensor]:
        """``objectness`` and ``proposal_regression``, each per sampled anchor.

        Logits (B, anchors), deltas (B, anchors, 4) and anchors (anchors, 4) are of all levels.
        """
        matched = torch.stack([self.matcher(iou(boxes, anchors)) for boxes in truths])
        sampled = torch.stack([balanced_sample(one, SAMPLED, POSITIVE_SHARE) for one in matched])
        objects = sampled & (matched >= 0)  # (B, anchors)
        wanted = torch.cat(
            [
                self.coder.encode(boxes[truth[mine]], anchors[mine])
                for boxes, truth, mine in zip(truths, matched, objects, strict=True)
            ]
        )
        regression = smooth_l1(deltas[objects], wanted, BETA) / sampled.sum()
        objectness = binary_cross_entropy_with_logits(
            logits[sampled], objects[sampled].to(logits.dtype)
        )
        return {"objectness": objectness, "proposal_regression": regression}
