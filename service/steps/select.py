"""A model's name to Choice: whether it can be asked, and whether it can answer what is wished."""

from contract.recipe import DetectionSpec, Recipe, Role, Task
from service.catalog import Catalog
from service.errors import (
    BackendUnavailable,
    InvalidParameter,
    ModelNotReady,
    ModelNotServable,
    UnknownModel,
    UnknownVersion,
)
from service.values import Choice, Wish


def select(catalog: Catalog, model: str, version: str | None, wish: Wish) -> Choice:
    """The model ``model`` for ``wish``; without ``version`` the newest that is ready.

    Before anything of the body is read.

    Raises:
        BackendUnavailable, UnknownModel, UnknownVersion: as `ready`.
        ModelNotReady, ModelNotServable: likewise.
        InvalidParameter: it cannot answer what the caller wants to know.
    """
    choice = ready(catalog, model, version)
    check(choice, wish)
    return choice


def ready(catalog: Catalog, name: str, version: str | None) -> Choice:
    """The model ``name``, if it can be asked.

    Raises:
        BackendUnavailable: Triton has not yet told which models there are.
        UnknownModel, UnknownVersion: it is not among them.
        ModelNotReady, ModelNotServable: it is, but cannot be asked.
    """
    if not catalog.learned:
        raise BackendUnavailable("the inference server has not answered yet")
    model = catalog.models.get(name)
    if model is None:
        raise UnknownModel(
            f"there is no model {name!r}",
            field="model",
            models=[one.name for one in catalog.servable()],
        )
    if not model.versions:
        raise ModelNotReady(f"model {name!r}: {model.reason}")
    if model.reason or model.recipe is None:
        raise ModelNotServable(f"model {name!r}: {model.reason}")
    if version is not None and version not in model.versions:
        raise UnknownVersion(
            f"model {name!r} has no version {version!r} ready",
            field="version",
            versions=list(model.versions),
        )
    return Choice(name, version or "", model.recipe)


def check(choice: Choice, wish: Wish) -> None:
    """Refuse what the model cannot answer, or has already left out.

    Raises:
        InvalidParameter: which parameter, and what the model could do.
    """
    _check_task(choice.model, choice.recipe, wish)
    if wish.truth is not None:
        _check_truth(choice.model, choice.recipe, wish.truth)
    if choice.recipe.detection is not None:
        _check_limits(choice.recipe.detection, wish)


def fits(choice: Choice, wish: Wish) -> bool:
    """Whether the model can answer what is wished."""
    try:
        check(choice, wish)
    except InvalidParameter:
        return False
    return True


def _check_task(name: str, recipe: Recipe, wish: Wish) -> None:
    """Refuse what only a model of the other task could give."""
    if wish.task is not None and recipe.task is not wish.task:
        raise InvalidParameter(
            f"model {name!r} does {recipe.task}, not {wish.task}",
            field="task",
            remedy="leave task out, or ask another model",
        )
    if wish.class_maps and not recipe.has(Role.CLASS_MAPS):
        raise InvalidParameter(f"model {name!r} has no class maps", field="class_map")
    if wish.class_maps and wish.render:
        raise InvalidParameter(
            "a picture shows no class maps", field="class_map", remedy="ask for JSON"
        )
    for field, given, task in (
        ("top_k", wish.top_k, Task.CLASSIFICATION),
        ("truth", wish.truth, Task.CLASSIFICATION),
        ("score_threshold", wish.score_threshold, Task.DETECTION),
        ("max_detections", wish.max_detections, Task.DETECTION),
    ):
        if given is not None and recipe.task is not task:
            raise InvalidParameter(
                f"model {name!r} does {recipe.task}; {field!r} is for {task}",
                field=field,
                remedy=f"leave {field} out, or ask another model",
            )


def _check_truth(name: str, recipe: Recipe, truth: str) -> None:
    if truth not in recipe.labels:
        raise InvalidParameter(
            f"model {name!r} has no label {truth!r}",
            field="truth",
            remedy="use one of `labels`, or leave truth out",
            labels=list(recipe.labels),
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
