"""Wish to Choice: which model and version answers."""

from contract.recipe import DetectionSpec, Recipe, Role, Task
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
    _check_task(model.name, model.recipe, wish)
    if model.recipe.detection is not None:
        _check_limits(model.recipe.detection, wish)
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


def _check_task(name: str, recipe: Recipe, wish: Wish) -> None:
    """Refuse what only a model of the other task could give."""
    if wish.class_maps and not recipe.has(Role.CLASS_MAPS):
        raise InvalidParameter(f"model {name!r} has no class maps", field="class_map")
    if wish.class_maps and wish.render:
        raise InvalidParameter(
            "a picture shows no class maps", field="class_map", remedy="ask for JSON"
        )
    for field, given, task in (
        ("top_k", wish.top_k, Task.CLASSIFICATION),
        ("score_threshold", wish.score_threshold, Task.DETECTION),
        ("max_detections", wish.max_detections, Task.DETECTION),
    ):
        if given is not None and recipe.task is not task:
            raise InvalidParameter(
                f"model {name!r} does {recipe.task}; {field!r} is for {task}",
                field=field,
                remedy=f"leave {field} out, or ask another model",
            )


def _check_limits(spec: DetectionSpec, wish: Wish) -> None:
    """Refuse what the model has already left out."""
    least, most = spec.score_threshold, spec.max_detections
    if wish.score_threshold is not None and wish.score_threshold < least:
        raise InvalidParameter(
            f"score_threshold is {wish.score_threshold}; the model answers nothing under {least}",
            field="score_threshold",
            remedy=f"give {least} or more, or export the model with a lower threshold",
            least=least,
        )
    if wish.max_detections is not None and wish.max_detections > most:
        raise InvalidParameter(
            f"max_detections is {wish.max_detections}; the model answers {most} at most",
            field="max_detections",
            remedy=f"give {most} or less, or export the model with more",
            most=most,
        )
