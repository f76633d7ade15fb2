"""Other people's weights, translated into our networks and layers."""

from zoo.checkpoints.official import from_official
from zoo.checkpoints.reference import reference_module

__all__ = ["from_official", "reference_module"]
