"""The part of an object's mask that lies in a box, as the mask branch has to predict it."""

import torch
from torch import Tensor


def projected(masks: Tensor, boxes: Tensor, matched: Tensor, size: int) -> Tensor:
    """RoIAlign of the masks in the boxes, with at least a point a pixel: (R, size, size), 0..1.

    A bilinear share is one along y times one along x, so RoIAlign of a mask is a product of three
    matrices: shares of the rows, the mask, and shares of the columns.

    Args:
        masks: (N, H, W) bool, of the objects.
        boxes: (R, 4), x1 y1 x2 y2 in pixels of the masks.
        matched: (R,), the object of each box.
        size: bins on each side.
    """
    rows = _shares(boxes[:, 1], boxes[:, 3], masks.shape[1], size)
    columns = _shares(boxes[:, 0], boxes[:, 2], masks.shape[2], size)
    found = boxes.new_zeros(len(boxes), size, size)
    for number, mask in enumerate(masks):
        mine = matched == number
        found[mine] = rows[mine] @ mask.to(boxes.dtype) @ columns[mine].transpose(1, 2)
    return found


def _shares(low: Tensor, high: Tensor, pixels: int, size: int) -> Tensor:
    """How much each pixel counts in each bin along one axis, (R, size, pixels).

    A box from ``low`` to ``high`` (R,) is at least one pixel long, and each of its bins averages
    as many points as it is pixels long, rounded up.
    """
    shares = low.new_zeros(len(low), size, pixels)
    if not len(low):
        return shares
    side = (high - low).clamp(min=1.0)[:, None, None]
    points = (side / size).ceil()  # (R, 1, 1), of a bin
    number = torch.arange(int(points.max()), device=low.device)
    bins = torch.arange(size, device=low.device).unsqueeze(1)
    at = low[:, None, None] + (bins + (number + 0.5) / points) * (side / size)
    at = at.clamp(0.0, pixels - 1.0)  # (R, size, points)
    before = at.long()
    after = (before + 1).clamp(max=pixels - 1)
    weight = (number < points) / points
    shares.scatter_add_(2, before, weight * (1.0 - (at - before)))
    return shares.scatter_add_(2, after, weight * (at - before))
