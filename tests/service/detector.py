"""A detector of five slots, and the arrays it answers with."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.recipe import DetectionSpec, Fit, InputSpec, OutputSpec, Recipe, Role, Task
from tests.fakes import LABELS, FakeModel

SLOTS = 5
ROLES = (Role.BOXES, Role.SCORES, Role.CLASSES, Role.COUNT)


def recipe(
    *, masks: bool = False, height: int = 64, width: int = 64, untrained: bool = False
) -> Recipe:
    roles = (*ROLES, Role.MASKS) if masks else ROLES
    return Recipe(
        task=Task.DETECTION,
        input=InputSpec(name="INPUT__0", height=height, width=width, fit=Fit.LETTERBOX),
        outputs=tuple(OutputSpec(name=role.upper(), role=role) for role in roles),
        labels=LABELS,
        detection=DetectionSpec(score_threshold=0.05, nms_threshold=0.5, max_detections=SLOTS),
        untrained=untrained,
    )


def arrays(
    boxes: Any, scores: Any, classes: Any, grids: NDArray[Any] | None = None
) -> dict[str, NDArray[Any]]:
    """What the model answers about one image; free slots are zeros."""
    count = len(scores)
    answer = {
        "BOXES": np.zeros((1, SLOTS, 4), np.float32),
        "SCORES": np.zeros((1, SLOTS), np.float32),
        "CLASSES": np.zeros((1, SLOTS), np.int64),
        "COUNT": np.array([[count]], np.int64),
        "MASKS": np.zeros((1, SLOTS, 28, 28), np.float32),
    }
    if count:
        answer["BOXES"][0, :count] = boxes
        answer["SCORES"][0, :count] = scores
        answer["CLASSES"][0, :count] = classes
    if grids is not None:
        answer["MASKS"][0, :count] = grids
    return answer


# In a 64×64 letterbox; of a 128×64 image rows 16 to 48 are the picture, at half its size.
THREE = arrays(
    boxes=[[4, 20, 24, 40], [0, 0, 64, 64], [30, 2, 40, 12]],
    scores=[0.9, 0.5, 0.4],
    classes=[4, 1, 1],
)


def model(answer: dict[str, NDArray[Any]] | None = None, **changes: Any) -> FakeModel:
    return FakeModel(recipe(**changes), arrays=THREE if answer is None else answer)
