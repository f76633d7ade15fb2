"""Features with declared levels: what a backbone promises to the heads that sit on it."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from zoo.places import Insertion, Place


class FeatureLevel(NamedTuple):
    """One feature map: ``child`` indexes the module that ends it, ``stride`` is input / map."""

    child: int
    channels: int
    stride: int


class Part(NamedTuple):
    """One child of a backbone: its key in the state_dict, and the map that it ends with.

    ``level`` is false for the parts of a stem, whose maps no head uses.
    """

    name: str
    module: nn.Module
    channels: int
    stride: int  # of the whole network up to here: input / map
    level: bool = True


class Features(nn.Sequential):
    """A backbone; (B, 3, H, W) to (B, channels, H/stride, W/stride), sizes rounded up.

    ``levels`` declares the deepest map of each stride; ``channels`` and ``stride`` are those of
    the last. Attention between blocks is added here, as the children ``attention1``,
    ``attention2``, … after the levels and ``attention_last`` after the final one, so that the
    blocks keep their keys.
    """

    def __init__(self, parts: Sequence[Part], attention: Insertion) -> None:
        children: dict[str, nn.Module] = {}
        levels: list[FeatureLevel] = []
        for position, part in enumerate(parts):
            children[part.name] = part.module
            is_last = position + 1 == len(parts)
            if not part.level or not (is_last or parts[position + 1].stride != part.stride):
                continue
            place = Place.FEATURES_END if is_last else Place.STAGE_END
            module = attention.at(place, part.channels)
            if module is not None:
                children["attention_last" if is_last else f"attention{len(levels) + 1}"] = module
            levels.append(FeatureLevel(len(children) - 1, part.channels, part.stride))
        super().__init__(OrderedDict(children))
        self.levels = tuple(levels)
        self.channels = levels[-1].channels
        self.stride = levels[-1].stride
        self.level_ends = [level.child for level in levels]

    @torch.jit.export
    def pyramid(self, images: Tensor) -> list[Tensor]:
        """The map of every level, in the order of ``levels``."""
        maps: list[Tensor] = []
        for child, module in enumerate(self):
            images = module(images)
            if child in self.level_ends:
                maps.append(images)
        return maps
