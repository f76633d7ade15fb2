"""Outputs, Recipe and Geometry to Detections, best first, in pixels of the uploaded image."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.recipe import Recipe, Role
from pixels.geometry import Geometry
from service.output import floats, integers
from service.paste import runs
from service.rle import compress
from service.values import Box, Detection, Label, Mask, Outputs

GRID = (28, 28)  # of a mask


def detect(
    outputs: Outputs,
    recipe: Recipe,
    geometry: Geometry,
    score_threshold: float | None = None,
    max_detections: int | None = None,
) -> tuple[Detection, ...]:
    """The objects of one image; equal scores in the model's order.

    What scores no more than ``score_threshold`` is left out. That is what the model with this
    threshold would have answered, because no box is ever suppressed by a worse one. Boxes are
    clipped to the image; one that lies wholly in the bars of a letterbox is left out too.

    Raises:
        UnexpectedOutput: an output is not what the recipe says.
    """
    slots = recipe.detection.max_detections if recipe.detection else 0
    boxes = floats(outputs, recipe.output(Role.BOXES), (slots, 4))
    scores = floats(outputs, recipe.output(Role.SCORES), (slots,))
    classes = integers(outputs, recipe.output(Role.CLASSES), (slots,), len(recipe.labels))
    (count,) = integers(outputs, recipe.output(Role.COUNT), (1,), slots + 1)
    grids = None
    if recipe.has(Role.MASKS):
        grids = floats(outputs, recipe.output(Role.MASKS), (slots, *GRID))
    corners = geometry.undo(boxes.reshape(-1, 2, 2))  # (slots, upper left and lower right, x y)
    clipped = geometry.clip(corners)
    seen = np.all(clipped[:, 0] < clipped[:, 1], axis=1)
    good = scores > (-np.inf if score_threshold is None else score_threshold)
    best = np.argsort(-scores[:count], kind="stable")
    chosen = best[(seen & good)[best]][:max_detections]
    return tuple(
        Detection(
            Label(recipe.labels[classes[i]], int(classes[i]), float(scores[i])),
            Box(*clipped[i].ravel().tolist()),
            None if grids is None else _mask(grids[i], corners[i], geometry),
        )
        for i in chosen
    )


def _mask(
    grid: NDArray[np.floating[Any]], corners: NDArray[np.float64], geometry: Geometry
) -> Mask:
    x1, y1, x2, y2 = corners.ravel().tolist()
    frame = (x1, y1, x2, y2)
    size = geometry.height, geometry.width
    counts = compress(*runs(grid, frame, size), size[0] * size[1])
    return Mask(grid=grid, frame=frame, counts=counts)
