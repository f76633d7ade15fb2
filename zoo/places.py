"""Where in a network attention can go, in words that every backbone understands."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from torch import nn


class Family(StrEnum):
    """Backbones whose blocks are alike; authors choose a place for each kind of block."""

    RESNET = "resnet"
    MOBILENET_V1 = "mobilenet_v1"
    MOBILENET_V2 = "mobilenet_v2"


class Place(StrEnum):
    """One spot, or one kind of spot, of a network; ``where`` says it in a sentence."""

    NOWHERE = "nowhere"
    BEFORE_SPATIAL = "before_spatial"
    SPATIAL_NORM = "spatial_norm"
    BEFORE_PROJECTION = "before_projection"
    BRANCH_END = "branch_end"
    STAGE_END = "stage_end"
    FEATURES_END = "features_end"
    IN_PLACE_OF_BLOCK = "in_place_of_block"

    @property
    def where(self) -> str:
        """The place in words."""
        return _WORDS[self]


_WORDS = {
    Place.NOWHERE: "nowhere",
    Place.BEFORE_SPATIAL: "before each block's spatial convolution",
    Place.SPATIAL_NORM: "between each block's spatial convolution and its batch norm",
    Place.BEFORE_PROJECTION: "before the 1×1 convolution that ends each block "
    "(in a basic ResNet block, before its second 3×3 one)",
    Place.BRANCH_END: "after the last batch norm of each block, before the shortcut is added",
    Place.STAGE_END: "after the last block of every resolution but the final one",
    Place.FEATURES_END: "once, on the last feature map",
    Place.IN_PLACE_OF_BLOCK: "instead of late blocks that keep the map's shape",
}


@dataclass(frozen=True, slots=True)
class Insertion:
    """What goes where: ``build`` makes the attention for a number of channels."""

    place: Place
    build: Callable[[int], nn.Module]

    def at(self, place: Place, channels: int) -> nn.Module | None:
        """The attention of one spot, or None where this insertion leaves the spot empty."""
        return self.build(channels) if place is self.place else None


def present(*modules: nn.Module | None) -> list[nn.Module]:
    """The modules that there are, in order."""
    return [module for module in modules if module is not None]
