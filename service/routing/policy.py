"""`model=auto`: the most accurate model within a budget of time, or the fastest.

Accuracy is what the model's card says of the test set; one without a figure comes after all that
have one. Time is the model's recent p95 in this gateway, from the wait for a place to the finished
answer, without the caller's upload.

A model is cold while fewer than 20 predictions of it are recent. Where time matters nobody waits
for a cold model: it sees requests that another one answers, in shadow and one model a request,
until it is measured. There are two exceptions, and `why` says so in the answer:

- All are cold. Somebody must be first, and it is the one with the fewest multiply-accumulates.
- Those that are measured do not fit the budget, but some are cold. To refuse every request would
  be wrong, because with no traffic nobody would ever be measured; to let all through on an unknown
  model would break what was asked for. So one request a second is answered by the cold model with
  the fewest multiply-accumulates and the others are refused, with a remedy that says why. After
  some 20 seconds the model is measured, and either all are answered or none.

Without a budget the most accurate one answers, cold or not: there is nothing to fit.
Other candidates that fit stand by as fallbacks for when the choice is overloaded or broken.
Everything here holds for one process; several workers measure and choose each by itself.
"""

import math
from collections.abc import Callable, Iterable, Sequence

from contract.recipe import QUALITY, Recipe, Task
from service.decision import Decision, Mirror, Reason, Rule
from service.errors import BudgetTooSmall
from service.routing.incumbents import Incumbents, Standing
from service.routing.latencies import Latencies
from service.routing.spec import AUTO
from service.values import Choice, Policy, Wish

TRIAL_SECONDS = 1.0  # between two requests that a cold model answers, where no other one fits
FALLBACKS = 2
REASONS = frozenset({Reason.OVERLOADED, Reason.BROKEN})  # p95 has seen to slowness already


class AutoPolicy:
    """Chooses among candidates by their cards and ``latencies``."""

    def __init__(self, latencies: Latencies, clock: Callable[[], float]) -> None:
        self._latencies = latencies
        self._clock = clock
        self._incumbents = Incumbents(clock)
        self._tried_at: dict[Task, float] = {}
        self._turn = 0  # of the cold models

    def decide(self, wish: Wish, choices: Sequence[Choice]) -> Decision:
        """Who answers ``wish``, out of ``choices``: one at least, all of one task.

        Raises:
            BudgetTooSmall: no model that is measured fits the budget.
        """
        timed = wish.policy is Policy.FASTEST or wish.budget_seconds is not None
        limit = math.inf if wish.budget_seconds is None else wish.budget_seconds
        policy = wish.policy or Policy.BEST
        standings = [self._standing(choice, policy) for choice in choices]
        cold = sorted((one for one in standings if one.cold), key=_work) if timed else []
        if cold and len(cold) == len(standings):
            why = f"none of {len(cold)} is measured yet, so the one with the least work is first"
            return self._decided(cold, cold[0], cold, why)
        fitting = [one for one in standings if one.p95 <= limit and not (timed and one.cold)]
        if not fitting:
            return self._tried(standings, cold, limit)
        ranked = sorted(fitting, key=lambda one: (-one.merit, one.p95))
        asked = (policy, limit, tuple(one.name for one in standings))
        chosen = self._incumbents.choose(asked, ranked, limit)
        too_slow = len(standings) - len(fitting) - len(cold)
        why = _why(wish, chosen, ranked[0], (len(standings), too_slow, len(cold)))
        return self._decided(ranked, chosen, cold, why)

    def _standing(self, choice: Choice, policy: Policy) -> Standing:
        p95 = self._latencies.p95(choice.model)
        accuracy = _accuracy(choice.recipe)
        merit = 0.0 if policy is Policy.FASTEST else -1.0 if accuracy is None else accuracy
        return Standing(choice, merit, math.inf if p95 is None else p95)

    def _decided(
        self, ranked: Iterable[Standing], chosen: Standing, cold: Sequence[Standing], why: str
    ) -> Decision:
        """The decision for ``chosen``; one of those that are ``cold`` sees the request too."""
        others = [one.choice for one in ranked if one is not chosen]
        unmeasured = [one.choice for one in cold if one is not chosen]
        mirrors: tuple[Mirror, ...] = ()
        if unmeasured:
            self._turn += 1
            mirrors = (Mirror(AUTO, unmeasured[self._turn % len(unmeasured)]),)
        return Decision(
            choice=chosen.choice,
            rule=Rule.POLICY,
            why=why,
            fallbacks=tuple(others[:FALLBACKS]),
            reasons=REASONS,
            mirrors=mirrors,
        )

    def _tried(
        self, standings: Sequence[Standing], cold: Sequence[Standing], limit: float
    ) -> Decision:
        """Now and then one that is cold, since of the others none fits; else the refusal."""
        fastest = min(standings, key=lambda one: one.p95)
        fastest_ms = math.ceil(fastest.p95 * 1e4) / 10  # rounded up: it must fit when given back
        faulty = (
            f"no model's recent p95 is within {_ms(limit)}; "
            f"the fastest, {fastest.choice.model!r}, has {fastest_ms:g} ms"
        )
        now, task = self._clock(), fastest.choice.recipe.task
        if cold and now - self._tried_at.get(task, -math.inf) >= TRIAL_SECONDS:
            self._tried_at[task] = now
            why = f"{faulty}; {cold[0].choice.model!r} is not measured yet and is tried once"
            return self._decided(cold, cold[0], cold, why)
        remedy = f"give {fastest_ms:g} or more"
        if cold:
            remedy += f", or ask again soon: {_be(len(cold))} being measured"
        raise BudgetTooSmall(
            faulty,
            field="budget_ms",
            remedy=remedy,
            budget_ms=round(limit * 1000, 3),
            fastest_ms=fastest_ms,
            fastest_model=fastest.choice.model,
        )


def _why(wish: Wish, chosen: Standing, best: Standing, counted: tuple[int, int, int]) -> str:
    """One sentence; ``counted`` are the candidates, those too slow and those not measured."""
    candidates, too_slow, cold = counted
    title = "fastest" if wish.policy is Policy.FASTEST else "most accurate"
    within = "" if wish.budget_seconds is None else f" within {_ms(wish.budget_seconds)}"
    figures = ", ".join((_accuracy_told(chosen), _p95_told(chosen)))
    parts = [f"{title if chosen is best else 'kept'} of {candidates}{within}: {figures}"]
    if chosen is not best:
        waits = f"{best.choice.model!r} ({_p95_told(best)})"
        parts.append(f"{waits} would be the {title}, and takes over once that is clear")
    if too_slow:
        parts.append(f"{too_slow} {'was' if too_slow == 1 else 'were'} too slow")
    if cold:
        parts.append(f"{_be(cold)} not measured yet")
    return "; ".join(parts)


def _accuracy_told(one: Standing) -> str:
    accuracy, task = _accuracy(one.choice.recipe), one.choice.recipe.task
    name = "accuracy" if task is Task.CLASSIFICATION else "AP"
    return f"{name} unknown" if accuracy is None else f"{name} {accuracy:.3f}"


def _p95_told(one: Standing) -> str:
    return "not measured yet" if one.cold else f"p95 {_ms(one.p95)}"


def _accuracy(recipe: Recipe) -> float | None:
    figure = recipe.card.metrics.get(QUALITY[recipe.task]) if recipe.card else None
    return None if figure is None else figure.value


def _work(one: Standing) -> tuple[float, str]:
    """Multiply-accumulates; unknown ones come last, and equal ones by name."""
    card = one.choice.recipe.card
    return (math.inf if card is None or card.macs is None else card.macs), one.choice.model


def _ms(seconds: float) -> str:
    return f"{round(seconds * 1000, 1):g} ms"


def _be(count: int) -> str:
    return f"{count} {'is' if count == 1 else 'are'}"
