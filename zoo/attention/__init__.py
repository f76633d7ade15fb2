"""The table of attention mechanisms: every one takes ``channels`` first and keeps the shape."""

from dataclasses import dataclass
from enum import StrEnum

from torch import nn

from zoo.attention.simam import SimAM
from zoo.blocks import Attention
from zoo.registry import Table


class Place(StrEnum):
    """Where in a network a mechanism goes, in words that every backbone understands."""

    NOWHERE = "nowhere"
    SPATIAL_NORM = "between each block's spatial convolution and its batch norm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mechanism:
    """One attention mechanism, and the insertion point its authors use."""

    build: Attention
    place: Place
    paper: str | None


def none(channels: int) -> nn.Module | None:  # noqa: ARG001
    """No attention: the place stays empty, and the state_dict keys are the plain network's."""
    return None


MECHANISMS: Table[Mechanism] = Table("attention mechanism")
MECHANISMS.add("none", Mechanism(build=none, place=Place.NOWHERE, paper=None))
MECHANISMS.add(
    "simam",
    Mechanism(
        build=SimAM,
        place=Place.SPATIAL_NORM,
        paper="Yang et al., SimAM: A Simple, Parameter-Free Attention Module for CNNs, ICML 2021",
    ),
)
