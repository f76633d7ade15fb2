"""The table of backbones: each takes an attention factory and declares its feature levels."""

from collections.abc import Callable
from dataclasses import dataclass

from zoo.backbones.mobile import MobileNetV2
from zoo.blocks import Attention
from zoo.registry import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Backbone:
    """One backbone and its full name."""

    build: Callable[[Attention], MobileNetV2]
    title: str


BACKBONES: Table[Backbone] = Table("backbone")
BACKBONES.add("mbv2", Backbone(build=MobileNetV2, title="MobileNetV2 (320-channel form)"))
