"""Detections of a file against those of eager PyTorch, where float32 may swap near-equal scores."""

from torch import Tensor

from zoo.export.exporter import Answers, ExportError

# Eager float32 is 1e-5 away from float64 where a second stage looks at rounded proposals.
SCORE_TOLERANCE = 5e-5
MASK_TOLERANCE = 5e-4  # of a probability
BOX_TOLERANCE = 0.01  # pixels


def furthest_score(got: Answers, wanted: Answers, threshold: float) -> float:
    """The largest difference of a score between two answers of a detector of equal shapes.

    Image by image, each detection must have its like in the other answer: the same class, corners
    within BOX_TOLERANCE, a mask within MASK_TOLERANCE and a score within SCORE_TOLERANCE. A
    rewritten network rounds otherwise. So two detections may change places, but only if their
    scores are closer than that; and one may be missing, but only if its score is as close to
    ``threshold``, above which boxes are answered, or to the last one where no slot is free.

    Raises:
        ExportError: the answers are not alike; the message names the image.
    """
    return max(
        _furthest_in_image(number, _image(got, number), _image(wanted, number), threshold)
        for number in range(len(wanted[0]))
    )


def _image(answers: Answers, number: int) -> Answers:
    """The slots of one image that are filled; the others must be zeros."""
    count = int(answers[3][number])
    slots = [answer[number] for answer in answers[:3] + answers[4:]]
    if any(slot[count:].any() for slot in slots):
        raise ExportError(f"image {number}: slots beyond its {count} detections are not zero")
    floor = slots[1][-1]  # above 0 only where every slot is filled
    return (*(slot[:count] for slot in slots[:3]), floor, *(slot[:count] for slot in slots[3:]))


def _furthest_in_image(number: int, got: Answers, wanted: Answers, threshold: float) -> float:
    boxes, scores, classes, floor, *masks = got
    others, best, ids, other_floor, *other_masks = wanted
    near = (boxes.unsqueeze(1) - others).abs().amax(dim=2) <= BOX_TOLERANCE
    differences = (scores.unsqueeze(1) - best).abs()
    alike = near & (differences <= SCORE_TOLERANCE) & (classes.unsqueeze(1) == ids)
    _refuse_missing(number, "eager", scores, alike.any(dim=1), max(threshold, other_floor.item()))
    _refuse_missing(number, "the file", best, alike.any(dim=0), max(threshold, floor.item()))
    rows, columns = alike.nonzero(as_tuple=True)
    if masks and len(rows):
        furthest = (masks[0][rows] - other_masks[0][columns]).abs().max().item()
        if not furthest <= MASK_TOLERANCE:  # written so that NaN is refused
            raise ExportError(f"image {number}: a mask differs from eager by {furthest:.2g}")
    return differences[rows, columns].max().item() if len(rows) else 0.0


def _refuse_missing(number: int, where: str, scores: Tensor, found: Tensor, floor: float) -> None:
    """Refuse if a detection that scores clearly more than ``floor`` has no like; a NaN does."""
    missing = scores[~found & ~(scores <= floor + SCORE_TOLERANCE)]
    if len(missing):
        raise ExportError(
            f"image {number}: {where} has not the like of a detection that scores {missing[0]:.4f}"
        )
