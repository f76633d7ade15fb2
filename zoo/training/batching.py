"""How many images are shown at a time."""

from math import ceil

import torch
from torch import Tensor


def batch_count(images: int, size: int) -> int:
    """How many batches ``split`` makes."""
    return ceil(images / size) - _leaves_one(images, size)


def split(order: Tensor, size: int) -> list[Tensor]:
    """``order`` (N,) in batches of ``size``; the last one has what is left.

    A single image that is left joins the batch before: a batch norm learns nothing from one value.
    """
    batches = list(torch.split(order, size))
    if _leaves_one(len(order), size):
        batches[-2:] = [torch.cat(batches[-2:])]
    return batches


def _leaves_one(images: int, size: int) -> bool:
    return images > size > 1 and images % size == 1
