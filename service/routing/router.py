"""A wish to a decision: who answers, who does if he cannot, and who is tried out beside."""

import difflib
import random
import time
from collections.abc import Callable

from contract.recipe import Task
from service.catalog import Catalog
from service.decision import Decision, Rule
from service.errors import (
    BackendUnavailable,
    InvalidParameter,
    ModelNotNamed,
    ModelNotReady,
    UnknownModel,
)
from service.routing.auto import Auto
from service.routing.file import RoutesFile
from service.routing.latencies import Latencies
from service.routing.spec import AUTO, Routes
from service.routing.splitter import Splitter
from service.steps.select import select
from service.values import Wish


class Router:
    """Decides each request by what is ready now; cheap, and never waits."""

    def __init__(
        self,
        catalog: Catalog,
        routes: RoutesFile,
        latencies: Latencies,
        clock: Callable[[], float] = time.monotonic,
        chance: random.Random | None = None,
    ) -> None:
        self._catalog = catalog
        self._routes = routes
        self._auto = Auto(catalog, latencies, clock)
        self._splitter = Splitter(catalog, chance or random.Random())  # noqa: S311 - no secret

    def decide(self, wish: Wish) -> Decision:
        """Who answers ``wish``; before anything of the body is read.

        A route wins over a model of its name, unless the wish names a version.

        Raises:
            BackendUnavailable: Triton has not yet told which models there are.
            ModelNotNamed, TaskNotNamed, UnknownModel, UnknownVersion: the caller must choose.
            ModelNotReady, ModelNotServable: what was chosen cannot be asked.
            BudgetTooSmall: no model that is measured fits the budget of `model=auto`.
            InvalidParameter: what was chosen cannot answer what the caller wants to know.
        """
        if not self._catalog.learned:
            raise BackendUnavailable("the inference server has not answered yet")
        routes = self._routes.current
        name, task = wish.model, wish.task
        if name is None:
            name, task = self._default(routes, task)
        route = routes.routes.get(name)
        if name != AUTO:
            _refuse_policy(name, wish)
        if name != AUTO and route is not None and wish.version is None:
            return self._splitter.decide(name, route, wish)
        if wish.target is not None:
            raise InvalidParameter(
                f"{name!r} is not asked as a route, so it has no targets",
                field="target",
                remedy="name a route, or leave target out",
            )
        if name == AUTO:
            return self._auto.decide(routes, wish, task)
        return self._model(name, routes, wish)

    def _default(self, routes: Routes, task: Task | None) -> tuple[str, Task | None]:
        """What answers where none is named, and the task that it is the default of."""
        if task is None and len(routes.defaults) == 1:
            (task,) = routes.defaults
        if task is not None and task in routes.defaults:
            return routes.defaults[task], task
        served = [
            model.name
            for model in self._catalog.servable()
            if task is None or (model.recipe and model.recipe.task is task)
        ]
        if len(served) == 1:
            return served[0], task
        of = f" that do {task}" if task else ""
        raise ModelNotNamed(
            f"{len(served)} models{of} are served here, so one must be named",
            field="model",
            models=served,
        )

    def _model(self, name: str, routes: Routes, wish: Wish) -> Decision:
        """The model ``name`` itself."""
        if name in self._catalog.models:
            choice = select(self._catalog, name, wish.version, wish)
            return Decision(choice=choice, rule=Rule.NAME if wish.model else Rule.DEFAULT)
        if name in routes.routes:
            raise InvalidParameter(
                f"{name!r} is a route, which settles the version itself",
                field="version",
                remedy="leave version out, or name a model",
            )
        if wish.model is None:
            raise ModelNotReady(f"there is no model {name!r}, which is the default")
        models = [model.name for model in self._catalog.servable()]
        raise _unknown(name, models, list(routes.routes))


def _unknown(name: str, models: list[str], routes: list[str]) -> UnknownModel:
    close = difflib.get_close_matches(name, [*routes, *models], n=1)
    hint = f"perhaps {close[0]!r} is meant; else " if close else ""
    if not routes:
        remedy = f"{hint}use one of the names in `models`"
        return UnknownModel(
            f"there is no model {name!r}", field="model", remedy=remedy, models=models
        )
    return UnknownModel(
        f"there is no model or route {name!r}",
        field="model",
        remedy=f"{hint}use one of the names in `models` or `routes`",
        models=models,
        routes=routes,
    )


def _refuse_policy(name: str, wish: Wish) -> None:
    """Refuse what only `model=auto` heeds."""
    for field, given in (("budget_ms", wish.budget_seconds), ("policy", wish.policy)):
        if given is not None:
            raise InvalidParameter(
                f"{field} is for model=auto, and {name!r} was asked for",
                field=field,
                remedy="ask for model=auto",
            )
