"""Losses that detectors share; each is a sum, to be divided by what its definition says."""

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, smooth_l1_loss


def focal_loss(logits: Tensor, targets: Tensor, alpha: float = 0.25, gamma: float = 2.0) -> Tensor:
    """The focal loss (Lin et al., ICCV 2017), summed over everything.

    Args:
        logits: any shape.
        targets: 0 or 1, of the same shape.
        alpha: weight of the ones; the zeros have 1 - alpha.
        gamma: how much less is made of what is already right.
    """
    cross_entropy = binary_cross_entropy_with_logits(logits, targets, reduction="none")
    wrong = torch.where(targets > 0.5, 1.0 - logits.sigmoid(), logits.sigmoid())
    weight = torch.where(targets > 0.5, alpha, 1.0 - alpha)
    return (weight * wrong**gamma * cross_entropy).sum()


def smooth_l1(got: Tensor, wanted: Tensor, beta: float) -> Tensor:
    """Huber's loss divided by ``beta``, where it turns from square to linear; summed."""
    return smooth_l1_loss(got, wanted, beta=beta, reduction="sum")
