"""What a backbone declares about its feature maps, for the heads that sit on them."""

from typing import NamedTuple


class FeatureLevel(NamedTuple):
    """One feature map: ``child`` indexes the module that ends it, ``stride`` is input / map."""

    child: int
    channels: int
    stride: int
