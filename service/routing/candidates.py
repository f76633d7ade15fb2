"""Which models `model=auto` chooses from."""

from collections.abc import Sequence

from contract.recipe import Task
from service.catalog import Catalog
from service.errors import GatewayError, ModelNotNamed, ModelNotReady
from service.routing.spec import AUTO, Routes, Target
from service.routing.targets import find
from service.values import Choice


def candidates(catalog: Catalog, routes: Routes, task: Task) -> tuple[Choice, ...]:
    """The models under [auto.TASK] that are ready, or else all that share the default's labels.

    One whose weights are untrained is none of them: what it answers means nothing.

    Raises:
        ModelNotReady: none of those under [auto.TASK] can be asked.
        ModelNotNamed: no model can be asked, or they differ in labels and no default decides.
    """
    auto = routes.auto.get(task)
    return _alike(catalog, routes, task) if auto is None else _listed(catalog, auto.models, task)


def served(catalog: Catalog, task: Task) -> list[Choice]:
    """Every model of ``task`` that can be asked, by name."""
    return [
        Choice(model.name, "", model.recipe)
        for model in catalog.servable()
        if model.recipe is not None and model.recipe.task is task
    ]


def _alike(catalog: Catalog, routes: Routes, task: Task) -> tuple[Choice, ...]:
    trained = [choice for choice in served(catalog, task) if not choice.recipe.untrained]
    labels = _default_labels(catalog, routes, task)
    if labels is None and len({choice.recipe.labels for choice in trained}) > 1:
        raise ModelNotNamed(
            f"the models that do {task} differ in their labels, so auto cannot choose among them",
            field="model",
            remedy=f"name one of `models`, or list those to choose from under [auto.{task}]",
            models=[choice.model for choice in trained],
        )
    alike = tuple(choice for choice in trained if labels in (None, choice.recipe.labels))
    if not alike:
        raise ModelNotNamed(
            f"auto finds no trained model for {task}",
            field="model",
            models=[choice.model for choice in served(catalog, task)],
        )
    return alike


def _listed(catalog: Catalog, targets: Sequence[Target], task: Task) -> tuple[Choice, ...]:
    found, faults = [], []
    for target in targets:
        try:
            choice = find(catalog, target)
        except GatewayError as error:
            faults.append(error.detail)
            continue
        if choice.recipe.task is not task:
            faults.append(f"model {target.model!r} does {choice.recipe.task}")
        elif choice.recipe.untrained:
            faults.append(f"model {target.model!r} is untrained")
        else:
            found.append(choice)
    if not found:
        raise ModelNotReady(f"auto has no model for {task}: {'; '.join(faults)}")
    return tuple(found)


def _default_labels(catalog: Catalog, routes: Routes, task: Task) -> tuple[str, ...] | None:
    """The labels of the task's default; None without one, or where it is not ready."""
    name = routes.defaults.get(task, AUTO)
    if name == AUTO:
        return None
    route = routes.routes.get(name)
    if route is None:
        targets = [Target(model=name)]
    else:
        targets = [*(one.target for one in route.to if one.weight), *route.fallback]
    for target in targets:
        model = catalog.models.get(target.model)
        if model and model.servable and model.recipe and model.recipe.task is task:
            return model.recipe.labels
    return None
