"""Wish to Choice: which model and version answers."""

from contract.recipe import Role
from service.catalog import Catalog
from service.errors import (
    BackendUnavailable,
    InvalidParameter,
    ModelNotNamed,
    ModelNotReady,
    ModelNotServable,
    UnknownModel,
    UnknownVersion,
)
from service.values import Choice, Model, Wish


def select(catalog: Catalog, wish: Wish) -> Choice:
    """The model and version that answer; before anything of the body is read.

    Raises:
        BackendUnavailable: Triton has not yet told which models there are.
        ModelNotNamed, UnknownModel, UnknownVersion: the caller must choose otherwise.
        ModelNotReady, ModelNotServable: the model is there but cannot be asked.
        InvalidParameter: it cannot answer what the caller wants to know.
    """
    if not catalog.learned:
        raise BackendUnavailable("the inference server has not answered yet")
    model = _only(catalog) if wish.model is None else _named(catalog, wish.model)
    if not model.versions:
        raise ModelNotReady(f"model {model.name!r}: {model.reason}")
    if model.reason or model.recipe is None:
        raise ModelNotServable(f"model {model.name!r}: {model.reason}")
    if wish.version is not None and wish.version not in model.versions:
        raise UnknownVersion(
            f"model {model.name!r} has no version {wish.version!r} ready",
            field="version",
            versions=list(model.versions),
        )
    if wish.class_maps and not model.recipe.has(Role.CLASS_MAPS):
        raise InvalidParameter(f"model {model.name!r} has no class maps", field="class_map")
    return Choice(model.name, wish.version or "", model.recipe)


def _only(catalog: Catalog) -> Model:
    servable = catalog.servable()
    if len(servable) == 1:
        return servable[0]
    raise ModelNotNamed(
        f"{len(servable)} models are served here, so one must be named",
        field="model",
        models=[model.name for model in servable],
    )


def _named(catalog: Catalog, name: str) -> Model:
    if name in catalog.models:
        return catalog.models[name]
    raise UnknownModel(
        f"there is no model {name!r}",
        field="model",
        models=[model.name for model in catalog.servable()],
    )
