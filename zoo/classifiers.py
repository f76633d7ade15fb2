"""The classifiers ``<backbone>_<attention>``: features, average pooling, one linear layer."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from zoo.attention import MECHANISMS
from zoo.attention.mechanism import Mechanism
from zoo.backbones import BACKBONES, Backbone
from zoo.backbones.levels import Features
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

    def __init__(self, backbone: str, attention: str) -> None:
        self.name = f"{backbone}_{attention}"
        self.backbone: Backbone = BACKBONES[backbone]
        self.attention = attention
        self.mechanism: Mechanism = MECHANISMS[attention]


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
    _initialise(network, mechanism.layer)
    return network


def _initialise(module: nn.Module, attention: type[nn.Module]) -> None:
    """Fresh weights for ``module`` and everything in it but the attention."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out")
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=0.01)
        nn.init.zeros_(module.bias)
    for child in module.children():
        if not isinstance(child, attention):
            _initialise(child, attention)
