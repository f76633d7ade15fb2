"""Which box answers for which object while training, and which boxes are learnt from."""

import torch
from torch import Tensor

BELOW = -1  # matched to nothing: background
BETWEEN = -2  # neither: not learnt from


class Matcher:
    """Assigns to every box the object it overlaps most, if it overlaps it enough.

    Args:
        high: IoU from which a box stands for the object.
        low: IoU below which it stands for background.
        keep_best: whether the boxes that an object overlaps most stand for it however little they
            overlap, so that no object goes unlearnt.
    """

    def __init__(self, high: float, low: float, *, keep_best: bool) -> None:
        self.high = high
        self.low = low
        self.keep_best = keep_best

    def __call__(self, overlaps: Tensor) -> Tensor:
        """From IoU (objects, boxes), (boxes,) the object of each box, or BELOW or BETWEEN."""
        if not overlaps.shape[0]:
            return overlaps.new_full((overlaps.shape[1],), BELOW, dtype=torch.int64)
        overlap, nearest = overlaps.max(dim=0)
        matched = nearest.masked_fill(overlap < self.high, BETWEEN)
        matched = matched.masked_fill(overlap < self.low, BELOW)
        if self.keep_best:
            most = overlaps.max(dim=1, keepdim=True).values
            best = ((overlaps == most) & (most > 0)).any(dim=0)
            matched = torch.where(best, nearest, matched)
        return matched


def balanced_sample(matched: Tensor, count: int, positive_share: float) -> Tensor:
    """A random mask (boxes,) of at most ``count`` boxes, at most this share of them positive.

    What positives are missing is made up for by background; boxes BETWEEN are left out.

    Args:
        matched: (boxes,), the answer of a Matcher.
        count: of boxes.
        positive_share: 0..1.
    """
    positive = _some(matched >= 0, int(count * positive_share))
    negative = _some(matched == BELOW, count - int(positive.sum()))
    return positive | negative


def _some(candidates: Tensor, count: int) -> Tensor:
    """A mask of at most ``count`` of the ``candidates``, at random."""
    places = candidates.nonzero().squeeze(1)
    chosen = places[torch.randperm(len(places), device=places.device)[:count]]
    mask = torch.zeros_like(candidates)
    mask[chosen] = True
    return mask
