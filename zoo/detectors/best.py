"""The best boxes that non-maximum suppression keeps, without a matrix over all candidates."""

import torch
from torch import Tensor
from torch.nn.functional import pad

from zoo.detectors.nms import keep_mask


def best_after_nms(  # noqa: PLR0913, PLR0917 - what there is to say about candidates
    boxes: Tensor, scores: Tensor, classes: Tensor, valid: Tensor, threshold: float, count: int
) -> tuple[Tensor, Tensor]:
    """Which ``count`` candidates of each image survive exact NMS within their class, best first.

    Whether a box survives depends on better ones only. So the candidates are cut after as many
    as are needed: twice as many each time, until every image has its ``count`` or no more valid
    candidates.

    Args:
        boxes: (B, N, 4), x1 y1 x2 y2.
        scores: (B, N), at least 0; of equal ones the first is the better.
        classes: (B, N), integers.
        valid: (B, N), which candidates take part.
        threshold: the IoU above which a box gives way to a better one.
        count: at most this many of each image.

    Returns:
        (B, count) indices into N, and (B, count) whether there is such a survivor; the index is 0
        where there is none.
    """
    order = torch.sort(ranked_scores(scores, valid), dim=1, descending=True, stable=True)[1]
    candidates = int(valid.sum(dim=1).max())
    cut = 2 * count
    keep = _keep(boxes, classes, valid, order[:, :cut], threshold)
    while cut < candidates and int(keep.sum(dim=1).min()) < count:
        cut *= 2
        keep = _keep(boxes, classes, valid, order[:, :cut], threshold)
    return leading(order[:, :cut], keep, count)


def _keep(boxes: Tensor, classes: Tensor, valid: Tensor, order: Tensor, threshold: float) -> Tensor:
    corners = order.unsqueeze(2).expand(-1, -1, 4)
    return keep_mask(
        boxes.gather(1, corners), classes.gather(1, order), valid.gather(1, order), threshold
    )


def leading(order: Tensor, keep: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The first ``count`` entries of ``order`` (B, N) that ``keep`` (B, N) marks, and a mask."""
    missing = max(0, count - order.shape[1])
    order, keep = pad(order, [0, missing]), pad(keep, [0, missing])
    kept, places = torch.sort(keep.to(torch.uint8), dim=1, descending=True, stable=True)
    found = kept[:, :count] > 0
    return order.gather(1, places[:, :count]) * found, found


def ranked_scores(scores: Tensor, valid: Tensor) -> Tensor:
    """``scores``, with -1 in place of what is not ``valid``, so that it sorts last."""
    return torch.where(valid, scores, -1.0)


def filled(
    boxes: Tensor, scores: Tensor, classes: Tensor, index: Tensor, found: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The detections at ``index`` (B, K), zeros where none was ``found``, and their number.

    From boxes (B, N, 4), scores (B, N) and classes (B, N): (B, K, 4), (B, K), (B, K) and (B, 1)
    int64.
    """
    corners = boxes.gather(1, index.unsqueeze(2).expand(-1, -1, 4))
    return (
        corners * found.unsqueeze(2),
        scores.gather(1, index) * found,
        classes.gather(1, index) * found,
        found.sum(dim=1, keepdim=True),
    )


def best_of(scores: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The ``count`` best of ``scores`` (B, N), or all, and their indices; of equals the first."""
    index = scores.topk(min(count, scores.shape[1]), dim=1)[1].sort(dim=1)[0]
    best, order = scores.gather(1, index).sort(dim=1, descending=True, stable=True)
    return best, index.gather(1, order)
