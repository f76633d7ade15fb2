"""Exact non-maximum suppression of whole batches, without a loop over boxes."""

import torch
from torch import Tensor

from zoo.detectors.geometry import iou


def keep_mask(boxes: Tensor, classes: Tensor, valid: Tensor, threshold: float) -> Tensor:
    """What greedy non-maximum suppression keeps: boxes that no better kept one overlaps.

    Greedy suppression is the only fixed point of "keep what no kept better box overlaps". From
    keeping all, each round settles at least the best box that is not settled yet, and in practice
    nearly all: two to five rounds are enough.

    Args:
        boxes: (B, N, 4), x1 y1 x2 y2, best first.
        classes: (B, N); boxes of different classes leave each other alone.
        valid: (B, N), which boxes take part.
        threshold: an IoU above it is an overlap.

    Returns:
        (B, N), true for the boxes that stay; never for those that are not ``valid``.
    """
    same = classes.unsqueeze(2) == classes.unsqueeze(1)
    overlaps = ((iou(boxes, boxes) > threshold) & same).triu(diagonal=1)  # [better, worse]
    keep = valid
    kept = valid & ~_beaten(overlaps, keep)
    while not torch.equal(kept, keep):
        keep = kept
        kept = valid & ~_beaten(overlaps, keep)
    return kept


def _beaten(overlaps: Tensor, keep: Tensor) -> Tensor:
    """(B, N), which boxes a better one that is kept overlaps."""
    return (overlaps & keep.unsqueeze(2)).any(dim=1)
