"""How good a detector is: COCO's average precision by pycocotools, with intervals.

Lin et al., "Microsoft COCO: Common Objects in Context", ECCV 2014, and its evaluation server:
the mean over classes of the area under the precision-recall curve, at IoU thresholds from 0.50 to
0.95 (AP), at 0.50 (AP50) or at 0.75 (AP75); by size, with at most 100 detections an image.
"""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from tqdm import tqdm

from contract.recipe import Figure

SIZES = ("small", "medium", "large")  # areas below 32², below 96², and the rest
FIGURES = ("ap", "ap50", "ap75", *SIZES)
MOST_DETECTIONS = 100  # of one image
UNKNOWN = -1.0  # where there is nothing to be found


class Truth(NamedTuple):
    """What is in one image."""

    boxes: NDArray[np.floating[Any]]  # (N, 4): x_min, y_min, x_max, y_max in pixels
    labels: NDArray[np.int64]  # (N,)


class Detections(NamedTuple):
    """What a detector found in one image; in any order."""

    boxes: NDArray[np.floating[Any]]  # (N, 4), as those of a Truth
    scores: NDArray[np.floating[Any]]  # (N,)
    classes: NDArray[np.int64]  # (N,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """COCO's figures, 0..1; a size that nothing has is missing in ``by_size``."""

    images: int
    ap: Figure
    ap50: Figure
    ap75: Figure
    by_size: Mapping[str, Figure]


def figures(precision: Precision) -> list[tuple[str, Figure]]:
    """The names and values of everything that was measured."""
    sizes = [(f"ap_{size}", figure) for size, figure in precision.by_size.items()]
    return [("ap", precision.ap), ("ap50", precision.ap50), ("ap75", precision.ap75), *sizes]


def average_precision(truths: Sequence[Truth], found: Sequence[Detections]) -> float:
    """AP alone, without its interval."""
    return float(_summary(_compared(truths, found))[0])


def evaluate(
    truths: Sequence[Truth], found: Sequence[Detections], resamples: int = 200
) -> Precision:
    """COCO's figures for what was ``found`` in the images that hold ``truths``.

    The 95 % intervals are percentiles over ``resamples`` bootstrap samples of the images, always
    the same ones.

    Raises:
        ValueError: the two differ in length, or no image holds anything.
    """
    if not sum(len(truth.labels) for truth in truths):
        raise ValueError("truths holds no box at all, so there is nothing to be found")
    evaluator = _compared(truths, found)
    values = _summary(evaluator)
    spread = np.stack(list(_bootstrap(evaluator, len(truths), resamples)))  # (resamples, figures)
    known = {
        name: _figure(value, samples)
        for name, value, samples in zip(FIGURES, values.tolist(), spread.T, strict=True)
        if value != UNKNOWN
    }
    by_size = {size: known[size] for size in SIZES if size in known}
    return Precision(
        images=len(truths), ap=known["ap"], ap50=known["ap50"], ap75=known["ap75"], by_size=by_size
    )


def by_class(truths: Sequence[Truth], found: Sequence[Detections]) -> dict[int, float]:
    """AP of each class that ``truths`` hold, by its id; without intervals."""
    evaluator = _compared(truths, found)
    with redirect_stdout(io.StringIO()):
        evaluator.accumulate()
    precision = evaluator.eval["precision"][..., 0, 0]  # (thresholds, recalls, classes)
    return dict(zip(evaluator.params.catIds, precision.mean(axis=(0, 1)).tolist(), strict=True))


def _compared(truths: Sequence[Truth], found: Sequence[Detections]) -> COCOeval:
    """Every detection matched, at every threshold, in every size, image by image."""
    classes = {int(label) for truth in truths for label in truth.labels}
    images = range(len(truths))
    held = [
        _annotation(image, box, label)
        for image, truth in enumerate(truths)
        for box, label in zip(truth.boxes, truth.labels, strict=True)
    ]
    seen = [
        _annotation(image, box, label, float(score))
        for (image, one), _ in zip(enumerate(found), truths, strict=True)
        for box, score, label in zip(one.boxes, one.scores, one.classes, strict=True)
    ]
    with redirect_stdout(io.StringIO()):
        evaluator = COCOeval(_index(held, images, classes), _index(seen, images, classes), "bbox")
        evaluator.params.maxDets = [MOST_DETECTIONS]
        evaluator.evaluate()
    return evaluator


def _annotation(
    image: int, box: NDArray[np.floating[Any]], label: int, score: float = 1.0
) -> dict[str, Any]:
    x_min, y_min, x_max, y_max = box.tolist()
    width, height = x_max - x_min, y_max - y_min
    return {
        "image_id": image,
        "category_id": int(label),
        "bbox": [x_min, y_min, width, height],
        "area": width * height,
        "score": score,
        "iscrowd": 0,
    }


def _index(
    annotations: Sequence[dict[str, Any]], images: Iterable[int], classes: Iterable[int]
) -> COCO:
    """The tables of pycocotools; ids start at 1, because 0 means "unmatched" there."""
    index = COCO()
    index.dataset = {
        "images": [{"id": image} for image in images],
        "categories": [{"id": label} for label in classes],
        "annotations": [one | {"id": id_} for id_, one in enumerate(annotations, start=1)],
    }
    index.createIndex()
    return index


def _summary(evaluator: COCOeval) -> NDArray[np.float64]:
    """The FIGURES of the images in the evaluator; UNKNOWN where they hold nothing to be found."""
    with redirect_stdout(io.StringIO()):
        evaluator.accumulate()
    # (thresholds, recalls, classes, sizes with "all" first)
    precision = evaluator.eval["precision"][..., 0]
    thresholds = evaluator.params.iouThrs.round(2).tolist()
    every = precision[..., 0]
    cuts = [every, every[thresholds.index(0.5)], every[thresholds.index(0.75)]]
    cuts += [precision[..., 1 + size] for size in range(len(SIZES))]
    return np.array(
        [cut[cut > UNKNOWN].mean() if (cut > UNKNOWN).any() else UNKNOWN for cut in cuts]
    )


def _bootstrap(evaluator: COCOeval, images: int, resamples: int) -> Iterator[NDArray[np.float64]]:
    """The summaries of as many images, drawn from the evaluator's with replacement."""
    rng = np.random.default_rng(0)
    matches = np.array(evaluator.evalImgs, dtype=object).reshape(-1, images)
    for _ in tqdm(range(resamples), "bootstrap", leave=False):
        evaluator.evalImgs = matches[:, rng.integers(0, images, images)].ravel().tolist()
        yield _summary(evaluator)


def _figure(value: float, samples: NDArray[np.float64]) -> Figure:
    known = samples[samples != UNKNOWN]
    if not len(known):  # a size so rare that no sample holds it
        return Figure(value=value, low=value, high=value)
    low, high = np.quantile(known, (0.025, 0.975)).tolist()
    return Figure(value=value, low=min(value, low), high=max(value, high))
