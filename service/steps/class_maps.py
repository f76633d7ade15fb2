"""Outputs and Labels to ClassMaps: where the model saw its best classes."""

from collections.abc import Sequence

from contract.recipe import Recipe, Role
from service.output import floats
from service.values import ClassMap, Label, Outputs


def class_maps(outputs: Outputs, recipe: Recipe, labels: Sequence[Label]) -> tuple[ClassMap, ...]:
    """The maps of the first of ``labels``, which are ordered best first as the model's maps are.

    Raises:
        UnexpectedOutput: not one finite float for each position of each map.
    """
    spec = recipe.spec(Role.CLASS_MAPS)
    maps = floats(outputs, spec.name, spec.shape or ())
    return tuple(ClassMap(label, parts) for label, parts in zip(labels, maps, strict=False))
