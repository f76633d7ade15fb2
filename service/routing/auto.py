"""`model=auto`: the candidates of a task that can answer a wish, handed to the policy."""

from collections.abc import Callable, Mapping

from contract.recipe import Task
from service.catalog import Catalog
from service.decision import Decision
from service.errors import InvalidParameter, ModelNotReady, TaskNotNamed
from service.routing.candidates import candidates
from service.routing.latencies import Latencies
from service.routing.policy import AutoPolicy
from service.routing.spec import Routes
from service.steps.select import check, fits
from service.values import Choice, Model, Wish


class Auto:
    """Remembers the candidates until models or routes change: comparing labels takes long."""

    def __init__(self, catalog: Catalog, latencies: Latencies, clock: Callable[[], float]) -> None:
        self._catalog = catalog
        self._policy = AutoPolicy(latencies, clock)
        self._known: dict[Task, tuple[Mapping[str, Model], Routes, tuple[Choice, ...]]] = {}

    def decide(self, routes: Routes, wish: Wish, task: Task | None) -> Decision:
        """Who answers ``wish``, out of those of ``task`` that can; None is the only one served.

        Raises:
            TaskNotNamed: several tasks are served.
            ModelNotNamed, ModelNotReady: there is nothing to choose from.
            BudgetTooSmall: no model that is measured fits the budget.
            InvalidParameter: none can answer what the caller wants to know, or he names a version.
        """
        if wish.version is not None:
            raise InvalidParameter(
                "auto settles the version itself",
                field="version",
                remedy="leave version out, or name a model",
            )
        choices = self._candidates(routes, task or self._only_task())
        fitting = [choice for choice in choices if fits(choice, wish)]
        if not fitting:
            check(choices[0], wish)
        return self._policy.decide(wish, fitting)

    def _candidates(self, routes: Routes, task: Task) -> tuple[Choice, ...]:
        models = self._catalog.models
        known = self._known.get(task)
        if known is None or known[0] is not models or known[1] is not routes:
            known = models, routes, candidates(self._catalog, routes, task)
            self._known[task] = known
        return known[2]

    def _only_task(self) -> Task:
        tasks = sorted({model.recipe.task for model in self._catalog.servable() if model.recipe})
        if not tasks:
            raise ModelNotReady("no model can be asked now")
        if len(tasks) > 1:
            raise TaskNotNamed(
                f"auto chooses among the models of one task, and {len(tasks)} tasks are served",
                field="task",
                tasks=[task.value for task in tasks],
            )
        return tasks[0]
