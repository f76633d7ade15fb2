"""A target of the routing file, which Triton may not know, and the model that it stands for."""

from service.catalog import Catalog
from service.errors import ModelNotReady, UnknownModel, UnknownVersion
from service.routing.spec import Target
from service.steps.select import ready
from service.values import Choice


def find(catalog: Catalog, target: Target) -> Choice:
    """The model that ``target`` stands for.

    Raises:
        BackendUnavailable: Triton has not yet told which models there are.
        ModelNotReady, ModelNotServable: it cannot be asked. That Triton does not know it is no
            fault of the caller's, who has not named it.
    """
    try:
        return ready(catalog, target.model, target.version or None)
    except (UnknownModel, UnknownVersion) as error:
        raise ModelNotReady(error.detail) from error


def same(catalog: Catalog, one: Choice, other: Choice) -> bool:
    """Whether two choices, of which one may leave the version open, are one now."""
    if one.model != other.model:
        return False
    newest = catalog.models[one.model].versions[-1]
    return (one.version or newest) == (other.version or newest)
