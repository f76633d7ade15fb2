"""Boxes as corners x1, y1, x2, y2 in pixels: area, overlap, clipping, size."""

import torch
from torch import Tensor


def areas(boxes: Tensor) -> Tensor:
    """Square pixels of ``boxes`` (…, 4); shape (…)."""
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def iou(one: Tensor, two: Tensor) -> Tensor:
    """Intersection over union of (…, N, 4) with (…, M, 4); shape (…, N, M).

    NaN where both boxes are empty.
    """
    first, second = one.unsqueeze(-2), two.unsqueeze(-3)
    upper_left = torch.maximum(first[..., :2], second[..., :2])
    lower_right = torch.minimum(first[..., 2:], second[..., 2:])
    sides = (lower_right - upper_left).clamp(min=0)  # (…, N, M, 2)
    shared = sides[..., 0] * sides[..., 1]
    return shared / (areas(first) + areas(second) - shared)


def clip(boxes: Tensor, image_hw: tuple[int, int]) -> Tensor:
    """``boxes`` (…, 4) cut off at the edges of an image of the given height and width."""
    height, width = image_hw
    x = boxes[..., 0::2].clamp(0, width)
    y = boxes[..., 1::2].clamp(0, height)
    return torch.stack((x, y), dim=-1).flatten(-2)


def large_enough(boxes: Tensor, side: float) -> Tensor:
    """Which of ``boxes`` (…, 4) have both sides at least ``side`` pixels long; shape (…)."""
    return ((boxes[..., 2:] - boxes[..., :2]) >= side).all(dim=-1)
