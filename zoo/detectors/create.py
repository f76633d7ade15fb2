"""The detectors ``<family>_<backbone>_<attention>``, from their designs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from contract.recipe import Task
from zoo.attention.mechanism import Mechanism
from zoo.backbones import Backbone
from zoo.backbones.levels import Features
from zoo.blocks import initialise
from zoo.classifiers import ARCHITECTURES
from zoo.detectors.backbone import SIZE_DIVISOR, DetectionBackbone
from zoo.detectors.designs import (
    LIGHT_RETINANET,
    LIGHT_TWO_STAGE,
    RETINANET,
    TWO_STAGE,
    RetinaNetDesign,
    TwoStageDesign,
)
from zoo.detectors.detector import Detector
from zoo.detectors.faster_rcnn import FasterRCNN
from zoo.detectors.fpn import ConvolvedLevels, FeaturePyramid, PooledLevel
from zoo.detectors.mask_rcnn import MaskRCNN
from zoo.detectors.retinanet import RetinaNet
from zoo.places import Family
from zoo.registry import Table

LIGHT = {Family.MOBILENET_V2}  # backbones that carry the light designs

Build = Callable[[Features, bool, int, int], Detector]
"""From the features, whether to be light, the number of foreground classes and the first id."""


@dataclass(frozen=True, slots=True)
class DetectorFamily:
    """One kind of detector."""

    title: str
    build: Build


def _retinanet(features: Features, light: bool, num_classes: int, first_id: int) -> Detector:
    if first_id:
        raise ValueError(f"first_id is {first_id}; RetinaNet has no background class: leave it 0")
    design = LIGHT_RETINANET if light else RETINANET
    backbone = _with_pyramid(features, design, ConvolvedLevels(design.channels))
    return RetinaNet(backbone, design, num_classes=num_classes)


def _two_stage(detector: type[FasterRCNN] | type[MaskRCNN]) -> Build:
    def build(features: Features, light: bool, num_classes: int, first_id: int) -> Detector:
        design = LIGHT_TWO_STAGE if light else TWO_STAGE
        backbone = _with_pyramid(features, design, PooledLevel())
        return detector(backbone, design, num_classes=num_classes, first_id=first_id)

    return build


def _with_pyramid(
    features: Features, design: RetinaNetDesign | TwoStageDesign, extra: nn.Module
) -> DetectionBackbone:
    levels = [level for level in features.levels if level.stride >= design.finest_stride]
    fpn = FeaturePyramid([level.channels for level in levels], design.channels, extra)
    return DetectionBackbone(features, fpn, [level.stride for level in levels])


NAMES = (
    "Names are <family>_<backbone>_<attention>: one of retinanet, frcnn and mrcnn, and the name of "
    "a classifier."
)
FAMILIES = {
    "retinanet": DetectorFamily("RetinaNet", _retinanet),
    "frcnn": DetectorFamily("Faster R-CNN", _two_stage(FasterRCNN)),
    "mrcnn": DetectorFamily("Mask R-CNN", _two_stage(MaskRCNN)),
}


class DetectorArchitecture:
    """A family, a backbone and a mechanism that can be built together.

    ``classifier`` is the network whose features are the backbone, such as "mbv2_simam".
    """

    task = Task.DETECTION

    def __init__(self, family: str, classifier: str) -> None:
        self.name = f"{family}_{classifier}"
        self.family = family
        self.classifier = classifier
        self.backbone: Backbone = ARCHITECTURES[classifier].backbone
        self.attention: str = ARCHITECTURES[classifier].attention
        self.mechanism: Mechanism = ARCHITECTURES[classifier].mechanism

    def title_of(self, form: str | None = None) -> str:
        """Its full name, on the ``form`` of the backbone or on the default one."""
        return f"{FAMILIES[self.family].title} on {self.backbone.title_of(form)}"

    @property
    def title(self) -> str:
        """Its full name."""
        return self.title_of()

    @property
    def light(self) -> bool:
        """Whether it has the light design."""
        return self.backbone.family in LIGHT

    @property
    def image_size(self) -> int:
        """Pixels, height and width, that it is built and measured for where it has no weights."""
        return 320 if self.light else 800

    @property
    def num_classes(self) -> int:
        """Likewise: COCO's."""
        return 80


def _every_combination() -> Table[DetectorArchitecture]:
    table: Table[DetectorArchitecture] = Table("detector", names=NAMES)
    for family in FAMILIES:
        for classifier in ARCHITECTURES:
            architecture = DetectorArchitecture(family, classifier)
            table.add(architecture.name, architecture)
    return table


DETECTORS = _every_combination()


def create_detector(  # noqa: PLR0913 - each is a choice of its own
    name: str,
    *,
    num_classes: int,
    image_size: int | tuple[int, int],
    form: str | None = None,
    place: str | None = None,
    attention: Mapping[str, Any] | None = None,
    norm_eps: float | None = None,
    first_id: int = 0,
) -> Detector:
    """The detector called ``name``, such as ``retinanet_mbv2_simam``, with fresh weights.

    It is in training mode. The backbone starts as a classifier's does, the rest as the published
    detectors do.

    Args:
        name: ``<family>_<backbone>_<attention>``.
        num_classes: of ids, from 0; at least 1 of them is answered.
        image_size: pixels of the images it will see, or height and width; at least 32. Others
            work too.
        form: of the backbone, as in zoo.classifiers.create.
        place: of the attention, likewise.
        attention: hyper-parameters of the mechanism, likewise.
        norm_eps: of every batch norm of the backbone, instead of 1e-5.
        first_id: the first id that is answered; 1 in published two-stage detectors, whose class 0
            is the background.

    Raises:
        UnknownNameError: no such name; the message has the nearest one.
        ValueError: a number, form, place or hyper-parameter that the detector cannot honour.
    """
    architecture = DETECTORS[name]
    height, width = (image_size, image_size) if isinstance(image_size, int) else image_size
    if min(height, width) < SIZE_DIVISOR:
        raise ValueError(f"image_size is {height}×{width}; {name} needs at least {SIZE_DIVISOR}")
    if not 0 <= first_id < num_classes:
        raise ValueError(f"num_classes is {num_classes}; {name} needs at least {first_id + 1}")
    backbone, mechanism = architecture.backbone, architecture.mechanism
    features = backbone.build(mechanism.insertion(backbone.family, place, attention), form)
    initialise(features, mechanism.layer)
    for layer in features.modules():
        if norm_eps is not None and isinstance(layer, nn.BatchNorm2d):
            layer.eps = norm_eps
    build = FAMILIES[architecture.family].build
    return build(features, architecture.light, num_classes - first_id, first_id)
