"""The names of a comparison to the models behind them, and what each is asked."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from contract.recipe import Task
from service.catalog import Catalog
from service.decision import Decision, Rule
from service.errors import (
    GatewayError,
    InvalidParameter,
    ModelNotReady,
    ModelNotServable,
    UnknownModel,
    UnknownVersion,
)
from service.routing.router import Router
from service.routing.spec import AUTO
from service.steps.select import check
from service.values import Wish

FIELD = "models"
VERSIONED = re.compile(r"(?P<model>.+)@(?P<version>[0-9]{1,18})")
PARAMETERS = {
    "top_k": Task.CLASSIFICATION,
    "score_threshold": Task.DETECTION,
    "max_detections": Task.DETECTION,
}


@dataclass(frozen=True, slots=True)
class Entrant:
    """One that is compared."""

    name: str  # as the caller has it
    decision: Decision
    wish: Wish  # as far as the model's task has it, but for `top_k`: distances need every class


@dataclass(frozen=True, slots=True)
class Absent:
    """One that cannot be asked now."""

    name: str
    error: GatewayError
    decision: Decision | None = None  # where it got that far


def entrants(
    models: str, wish: Wish, most: int, router: Router, catalog: Catalog
) -> tuple[Entrant | Absent, ...]:
    """Who is meant by ``models``, names with commas between, in their order.

    A name is a model, model@version, or a route of the routing file; of a route, the target that
    would answer now.

    Raises:
        UnknownModel: all names that nobody has.
        UnknownVersion: of the first one that there is not.
        InvalidParameter: not 2 to ``most`` different models, or what none of them could answer.
        BackendUnavailable: Triton has not yet told which models there are.
    """
    decided = _decided(_names(models, most), router)
    found = [one for one in decided if isinstance(one, Entrant)]
    _refuse_doubles(found, catalog)
    _refuse_what_nobody_has(decided, wish)
    return tuple(_asked(one, wish) if isinstance(one, Entrant) else one for one in decided)


def _names(models: str, most: int) -> list[str]:
    names = models.split(",")
    count = sum(map(bool, names))
    if not 2 <= count <= most or count < len(names):
        raise InvalidParameter(
            f"a comparison is of 2 to {most} models, and {models[:100]!r} names {count}",
            field=FIELD,
            remedy="give their names with commas between, as models=a,b",
            most=most,
        )
    if AUTO in names:
        raise InvalidParameter(
            f"{AUTO!r} stands for no model in particular", field=FIELD, remedy="name the models"
        )
    for name in names:
        if names.count(name) > 1:
            raise _double(f"{name!r} is named twice")
    return names


def _decided(names: list[str], router: Router) -> list[Entrant | Absent]:
    decided: list[Entrant | Absent] = []
    unknown: dict[str, UnknownModel] = {}
    for name in names:
        try:
            decided.append(Entrant(name, router.decide(_wish_for(name)), Wish()))
        except UnknownModel as error:
            unknown[name] = error
        except (ModelNotReady, ModelNotServable) as error:
            decided.append(Absent(name, error))
        except (InvalidParameter, UnknownVersion) as error:
            error.members["field"] = FIELD
            raise
    if unknown:
        raise _none_of(unknown)
    return decided


def _none_of(unknown: dict[str, UnknownModel]) -> UnknownModel:
    """One failure for all names; of a single one, with what was said of it."""
    first, *others = unknown.values()
    members = first.members | {"field": FIELD, "unknown": list(unknown)}
    if not others:
        return UnknownModel(first.detail, **members)
    names = ", ".join(map(repr, unknown))
    return UnknownModel(f"nobody is called {names}", **(members | {"remedy": UnknownModel.remedy}))


def _wish_for(name: str) -> Wish:
    versioned = VERSIONED.fullmatch(name)
    if versioned is None:
        return Wish(model=name)
    return Wish(model=versioned["model"], version=versioned["version"])


def _refuse_doubles(found: list[Entrant], catalog: Catalog) -> None:
    """Two names of one model; not where chance, or another's absence, led a route to it."""
    names: dict[tuple[str, str], str] = {}
    for one in found:
        choice = one.decision.choice
        if one.decision.rule is Rule.WEIGHT or one.decision.passed_over:
            continue
        version = choice.version or catalog.models[choice.model].versions[-1]
        other = names.setdefault((choice.model, version), one.name)
        if other != one.name:
            raise _double(f"{other!r} and {one.name!r} are both {choice.model}@{version}")


def _double(detail: str) -> InvalidParameter:
    return InvalidParameter(detail, field=FIELD, remedy="name each model once")


def _refuse_what_nobody_has(decided: list[Entrant | Absent], wish: Wish) -> None:
    """Parameters of a task that none of the models does, as far as that is known of all."""
    tasks = set(_tasks(decided))
    for field, task in PARAMETERS.items():
        if getattr(wish, field) is not None and not {task, None} & tasks:
            raise InvalidParameter(
                f"{field!r} is for {task}, which none of these models does",
                field=field,
                remedy=f"leave {field} out, or add a model of that task",
            )


def _tasks(decided: list[Entrant | Absent]) -> Iterator[Task | None]:
    for one in decided:
        yield one.decision.choice.recipe.task if one.decision is not None else None


def _asked(one: Entrant, wish: Wish) -> Entrant:
    choice = one.decision.choice
    own = {
        field: getattr(wish, field)
        for field, task in PARAMETERS.items()
        if task is choice.recipe.task
    }
    check(choice, Wish(**own))
    return replace(one, wish=Wish(**(own | {"top_k": None})))
