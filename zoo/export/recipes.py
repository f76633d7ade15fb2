"""The recipe of a network: what Triton and the gateway must know to serve it."""

import math

from contract.recipe import Card, DetectionSpec, Fit, InputSpec, OutputSpec, Recipe, Role, Task
from zoo.classifiers import Classifier
from zoo.detectors import Detector
from zoo.detectors.mask_rcnn import MaskRCNN
from zoo.export.probes import Size, height_and_width
from zoo.export.wrap import MOST_MAPS

FOUND = (Role.BOXES, Role.SCORES, Role.CLASSES, Role.COUNT)  # in the order of a detector's answer


def recipe(
    network: Classifier | Detector,
    *,
    labels: tuple[str, ...],
    image_size: Size,
    shorter_side: int | None = None,
    card: Card | None = None,
) -> Recipe:
    """The recipe of ``network`` for images of ``image_size``.

    Args:
        network: what is served.
        labels: of each class id.
        image_size: pixels, or height and width.
        shorter_side: of a classifier whose images are cropped, pixels before that.
        card: of its weights.
    """
    image_hw = height_and_width(image_size)
    if isinstance(network, Detector):
        return _detection(network, labels, image_hw, card)
    fit = Fit.STRETCH if shorter_side is None else Fit.CROP
    return Recipe(
        task=Task.CLASSIFICATION,
        input=_input(image_hw, fit, shorter_side),
        outputs=_scores_and_maps(network, image_hw, len(labels)),
        labels=labels,
        card=card,
    )


def _detection(
    network: Detector, labels: tuple[str, ...], image_hw: tuple[int, int], card: Card | None
) -> Recipe:
    roles = (*FOUND, Role.MASKS) if isinstance(network, MaskRCNN) else FOUND
    return Recipe(
        task=Task.DETECTION,
        input=_input(image_hw, Fit.LETTERBOX, None),
        outputs=tuple(
            OutputSpec(name=f"OUTPUT__{number}", role=role) for number, role in enumerate(roles)
        ),
        labels=labels,
        detection=DetectionSpec(
            score_threshold=network.score_threshold,
            nms_threshold=network.nms_threshold,
            max_detections=network.max_detections,
        ),
        card=card,
    )


def _input(image_hw: tuple[int, int], fit: Fit, shorter_side: int | None) -> InputSpec:
    height, width = image_hw
    return InputSpec(
        name="INPUT__0", height=height, width=width, fit=fit, shorter_side=shorter_side
    )


def _scores_and_maps(
    network: Classifier, image_hw: tuple[int, int], classes: int
) -> tuple[OutputSpec, OutputSpec]:
    """Outputs of a ServedClassifier; each layer of a backbone rounds the size of its map up."""
    sides = (math.ceil(side / network.features.stride) for side in image_hw)
    maps = (min(MOST_MAPS, classes), *sides)
    return (
        OutputSpec(name="OUTPUT__0", role=Role.PROBABILITIES),
        OutputSpec(name="OUTPUT__1", role=Role.CLASS_MAPS, shape=maps),
    )
