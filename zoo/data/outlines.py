"""The segmentation of a COCO annotation, polygons or run lengths, as a mask."""

import warnings
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from pycocotools import mask as runs

from pixels.fit import Placement
from zoo.data.coco_file import Annotation
from zoo.data.errors import DataError

FEWEST_NUMBERS = 6  # of a polygon: x and y of three corners


def outline(annotation: Annotation, width: int, height: int) -> NDArray[np.bool_]:
    """(height, width): the pixels of the annotated image that belong to the thing.

    Raises:
        DataError: the segmentation is missing or malformed.
    """
    segmentation = annotation.segmentation
    if not segmentation:
        raise DataError(
            f"annotation {annotation.id} has no segmentation, which a detector with masks learns "
            "from: add it, or train one without masks"
        )
    try:
        coded = _coded(segmentation, width, height)
        with warnings.catch_warnings():
            # pycocotools 2.0.11 answers numpy's request for an array in the form of numpy 1
            warnings.simplefilter("ignore", DeprecationWarning)
            mask: NDArray[np.bool_] = runs.decode(coded).astype(bool)
    except Exception as error:  # pycocotools raises anything on malformed input
        raise DataError(
            f"annotation {annotation.id}: segmentation is neither polygons of three corners or "
            f"more nor the run lengths of {width}×{height} pixels"
        ) from error
    return mask


def letterboxed_mask(
    mask: NDArray[np.bool_], placed: Placement, height: int, width: int
) -> NDArray[np.bool_]:
    """(height, width): the mask where its image lies; a pixel belongs if half of it does."""
    small = PIL.Image.fromarray(mask.astype(np.uint8) * 255).resize(
        placed.size, PIL.Image.Resampling.BOX
    )
    left, upper = placed.corner
    canvas = np.zeros((height, width), np.bool_)
    canvas[upper : upper + small.height, left : left + small.width] = np.asarray(small) >= 128
    return canvas


def _coded(segmentation: Any, width: int, height: int) -> Any:
    """pycocotools' compressed run lengths."""
    if isinstance(segmentation, dict):
        if list(segmentation["size"]) != [height, width]:
            raise ValueError("the run lengths are those of another image")
        counts = segmentation["counts"]
        lengths = counts if isinstance(counts, list) else _run_lengths(counts)
        if sum(lengths) != height * width:  # pycocotools would leave memory as it was
            raise ValueError("the run lengths do not cover the image")
        return runs.frPyObjects({"size": [height, width], "counts": lengths}, height, width)
    if any(len(polygon) < FEWEST_NUMBERS or len(polygon) % 2 for polygon in segmentation):
        raise ValueError("a polygon has fewer than three corners, or half a corner")
    return runs.merge(runs.frPyObjects(segmentation, height, width))


def _run_lengths(text: str) -> list[int]:
    """What COCO's compressed form says: from the third on, differences to the one before the last.

    Each is written in digits of five bits, lowest first, with a sixth that says whether another
    follows; 48 is added to each, so that it prints (rleFrString in COCO's maskApi.c).
    """
    lengths: list[int] = []
    value = shift = 0
    for digit in (ord(letter) - 48 for letter in text):
        value |= (digit & 31) << shift
        shift += 5
        if digit & 32:
            continue
        if digit & 16:
            value -= 1 << shift  # negative, in two's complement
        lengths.append(value + (lengths[-2] if len(lengths) > 2 else 0))
        value = shift = 0
    return lengths
