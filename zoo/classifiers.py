"""The classifiers ``<backbone>_<attention>``: features, average pooling, one linear layer."""

from torch import Tensor, nn

from zoo.attention import MECHANISMS, Mechanism
from zoo.backbones import BACKBONES, Backbone
from zoo.backbones.mobile import MobileNetV2
from zoo.registry import Table


class Classifier(nn.Module):
    """Normalised float images (B, 3, H, W) in, logits (B, classes) out.

    Weights start as in the MobileNetV2 of common use: convolutions by He et al. (fan out),
    norms at identity, the linear layer normal with standard deviation 0.01.
    """

    def __init__(self, features: MobileNetV2, num_classes: int) -> None:
        super().__init__()
        self.features = features
        # A Sequential of one, because published checkpoints call the layer `classifier.0`.
        self.classifier = nn.Sequential(nn.Linear(features.channels, num_classes))
        self.apply(_initialise)

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

    def build(self, *, num_classes: int, image_size: int) -> Classifier:
        """The network with fresh weights, in training mode.

        Raises:
            ValueError: fewer than two classes, or images smaller than the backbone's stride.
        """
        if num_classes < 2:
            raise ValueError(f"num_classes is {num_classes}; a classifier needs at least 2")
        features = self.backbone.build(self.mechanism.build)
        if image_size < features.stride:
            raise ValueError(
                f"image_size is {image_size}; {self.name} needs at least {features.stride}"
            )
        return Classifier(features, num_classes)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out")
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=0.01)
        nn.init.zeros_(module.bias)


def _every_combination() -> Table[Architecture]:
    table: Table[Architecture] = Table("model")
    for backbone in BACKBONES:
        for attention in MECHANISMS:
            architecture = Architecture(backbone, attention)
            table.add(architecture.name, architecture)
    return table


ARCHITECTURES = _every_combination()


def create(name: str, *, num_classes: int, image_size: int) -> Classifier:
    """The network called ``name``, such as ``mbv2_simam``, with fresh weights.

    Args:
        name: ``<backbone>_<attention>``; ``python -m zoo list`` prints all.
        num_classes: length of the logits, at least 2.
        image_size: height and width in pixels of the images it will see.

    Raises:
        UnknownNameError: no such name; the message has the nearest one.
        ValueError: a number that the network cannot honour.
    """
    return ARCHITECTURES[name].build(num_classes=num_classes, image_size=image_size)
