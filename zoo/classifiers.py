"""The classifiers ``<backbone>_<attention>``: features, average pooling, one linear layer."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from contract.recipe import Task
from zoo.attention import MECHANISMS
from zoo.attention.mechanism import Mechanism
from zoo.backbones import BACKBONES, Backbone
from zoo.backbones.levels import Features
from zoo.blocks import initialise
from zoo.registry import Table


class Classifier(nn.Module):
    """Normalised float images (B, 3, H, W) in, logits (B, classes) out.

    The linear layer is ``classifier.0``, as published checkpoints of the SimAM networks call it;
    with a dropout before it, ``classifier.1``, as the other MobileNetV2 ones do.
    """

    def __init__(self, features: Features, num_classes: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.features = features
        linear = nn.Linear(features.channels, num_classes)
        self.classifier = nn.Sequential(*([nn.Dropout(dropout)] if dropout else []), linear)

    def forward(self, images: Tensor) -> Tensor:
        """Logits of ``images``."""
        pooled = self.features(images).mean(dim=(2, 3))  # (B, C)
        logits: Tensor = self.classifier(pooled)
        return logits


class Architecture:
    """A backbone and a mechanism that can be built together."""

    task = Task.CLASSIFICATION

    def __init__(self, backbone: str, attention: str) -> None:
        self.name = f"{backbone}_{attention}"
        self.backbone: Backbone = BACKBONES[backbone]
        self.attention = attention
        self.mechanism: Mechanism = MECHANISMS[attention]

    def title_of(self, form: str | None = None) -> str:
        """Its full name, with the ``form`` of the backbone or the default one."""
        return self.backbone.title_of(form)

    @property
    def image_size(self) -> int:
        """Pixels, height and width, that it is built and measured for where it has no weights."""
        return self.backbone.image_size

    @property
    def num_classes(self) -> int:
        """Likewise."""
        return self.backbone.num_classes


def _every_combination() -> Table[Architecture]:
    table: Table[Architecture] = Table("model")
    for backbone in BACKBONES:
        for attention in MECHANISMS:
            architecture = Architecture(backbone, attention)
            table.add(architecture.name, architecture)
    return table


ARCHITECTURES = _every_combination()


def create(  # noqa: PLR0913 - each is a choice of its own
    name: str,
    *,
    num_classes: int,
    image_size: int,
    form: str | None = None,
    place: str | None = None,
    attention: Mapping[str, Any] | None = None,
    dropout: float = 0.0,
) -> Classifier:
    """The network called ``name``, such as ``mbv2_simam``, with fresh weights, in training mode.

    Convolutions start as He et al. have it (normal, fan out), norms at identity, the linear layer
    normal with standard deviation 0.01, and attention as its own definition says.

    Args:
        name: ``<backbone>_<attention>``; ``python -m zoo list`` prints all.
        num_classes: length of the logits, at least 2.
        image_size: height and width in pixels of the images it will see; at least the stride of
            the backbone, where the last map is 1×1. Every mechanism is defined there.
        form: of the backbone: ``mbv2`` has "article" (its default) and "standard".
        place: a value of zoo.places.Place, instead of the one that the authors use.
        attention: hyper-parameters of the mechanism; a mapping from channels to values stands
            for one that differs between the spots.
        dropout: the probability before the linear layer; 0.2 in the usual MobileNetV2. Any but 0
            shifts the linear layer's index in the state_dict by one.

    Raises:
        UnknownNameError: no such name; the message has the nearest one.
        ValueError: a number, form, place or hyper-parameter that the network cannot honour.
    """
    architecture = ARCHITECTURES[name]
    if num_classes < 2:
        raise ValueError(f"num_classes is {num_classes}; a classifier needs at least 2")
    backbone, mechanism = architecture.backbone, architecture.mechanism
    insertion = mechanism.insertion(backbone.family, place, attention)
    features = backbone.build(insertion, form)
    if image_size < features.stride:
        raise ValueError(f"image_size is {image_size}; {name} needs at least {features.stride}")
    network = Classifier(features, num_classes, dropout)
    initialise(network, mechanism.layer)
    return network
