"""Every network by its name, classifiers and detectors alike."""

from typing import Any

from zoo import classifiers
from zoo.classifiers import ARCHITECTURES, Architecture, Classifier
from zoo.detectors import DETECTORS, Detector, DetectorArchitecture, create_detector
from zoo.detectors.create import FAMILIES


def is_detector(name: str) -> bool:
    """Whether ``name`` begins as detectors' names do."""
    return name.partition("_")[0] in FAMILIES


def architecture(name: str) -> Architecture | DetectorArchitecture:
    """What the network called ``name`` is made of.

    Raises:
        UnknownNameError: no such name; the message has the nearest one.
    """
    return DETECTORS[name] if is_detector(name) else ARCHITECTURES[name]


def create(
    name: str, *, num_classes: int, image_size: int | tuple[int, int], **options: Any
) -> Classifier | Detector:
    """The network called ``name`` with fresh weights, in training mode.

    Args:
        name: ``mbv2_simam`` is a classifier, ``retinanet_mbv2_simam`` a detector on its features;
            ``python -m zoo list`` tells all.
        num_classes: length of the logits, or how many class ids there are.
        image_size: pixels of the images it will see; a detector's may be (height, width).
        options: further arguments of zoo.classifiers.create or zoo.detectors.create_detector.

    Raises:
        UnknownNameError: no such name; the message has the nearest one.
        ValueError: a number or option that the network cannot honour.
    """
    if is_detector(name):
        return create_detector(name, num_classes=num_classes, image_size=image_size, **options)
    if not isinstance(image_size, int):
        raise ValueError(f"image_size is {image_size}; {name} takes one number")  # noqa: TRY004
    return classifiers.create(name, num_classes=num_classes, image_size=image_size, **options)
