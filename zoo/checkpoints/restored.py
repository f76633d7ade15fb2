"""A network that has a checkpoint's weights, and how to build it again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zoo.checkpoints.state import Report
from zoo.classifiers import Classifier
from zoo.detectors import Detector


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What `zoo.create` makes of the name and the options, with the weights in it."""

    network: Classifier | Detector
    report: Report
    name: str  # of the zoo's architecture
    options: Mapping[str, Any]  # arguments of zoo.create besides num_classes and image_size
    num_classes: int
    image_size: int | tuple[int, int]  # pixels; height and width where they differ
    shorter_side: int | None  # pixels, before the centre is cropped; None: no cropping
