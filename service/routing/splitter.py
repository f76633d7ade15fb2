"""One route of the routing file to a decision: by weight, by the caller's key, or forced."""

import random

from contract.recipe import Task
from service.catalog import Catalog
from service.decision import Decision, Mirror, PassedOver, Reason, Rule
from service.errors import GatewayError, InvalidParameter, ModelNotReady
from service.routing.spec import Route, Target
from service.routing.targets import find, same
from service.routing.weights import pick
from service.steps.select import check, fits
from service.values import Choice, Wish


class Splitter:
    """Shares a route's requests out among its targets that are ready."""

    def __init__(self, catalog: Catalog, chance: random.Random) -> None:
        self._catalog = catalog
        self._chance = chance

    def decide(self, name: str, route: Route, wish: Wish) -> Decision:
        """Who answers ``wish`` on the route ``name``.

        Targets that are not ready get no traffic; the weights of the others count among
        themselves. Where none is ready a fallback is the choice, if it may be one for this.

        Raises:
            ModelNotReady, ModelNotServable: nobody can be asked.
            InvalidParameter: who was picked cannot answer what the caller wants to know, or what
                the caller forced is none of the route's targets.
        """
        if wish.target is not None:
            return self._forced(name, route, wish, wish.target)
        found: dict[str, Choice] = {}
        away: dict[Target, str] = {}
        for one in route.to:
            if one.weight:
                try:
                    found[str(one.target)] = find(self._catalog, one.target)
                except GatewayError as error:
                    away[one.target] = error.detail
        if not found:
            return self._without_targets(name, route, wish, away)
        weights = {str(one.target): one.weight for one in route.to if str(one.target) in found}
        key = wish.route_key or f"{self._chance.getrandbits(64):016x}"
        choice = found[pick(name, weights, key)]
        check(choice, wish)
        return Decision(
            choice=choice,
            rule=_rule(route, wish),
            route=name,
            fallbacks=self._fallbacks(route, wish, choice),
            reasons=route.fallback_when,
            mirrors=self._mirrors(name, route, wish, choice),
        )

    def _forced(self, name: str, route: Route, wish: Wish, forced: str) -> Decision:
        """The target that the caller picked, and nobody in its place: he wants to see this one."""
        targets = {str(target): target for target in _targets(route)}
        if forced not in targets:
            raise InvalidParameter(
                f"route {name!r} has no target {forced!r}",
                field="target",
                remedy="use one of `targets`, or leave target out",
                targets=list(targets),
            )
        choice = find(self._catalog, targets[forced])
        check(choice, wish)
        return Decision(choice=choice, rule=Rule.FORCED, route=name)

    def _without_targets(
        self, name: str, route: Route, wish: Wish, away: dict[Target, str]
    ) -> Decision:
        """A fallback in the place of all targets; nothing is tried out beside it."""
        fault = f"no target of the route {name!r} is ready: {'; '.join(away.values())}"
        broken = Reason.BROKEN in route.fallback_when
        spare = self._fallbacks(route, wish, None) if broken else ()
        if not spare:
            raise ModelNotReady(fault)
        return Decision(
            choice=spare[0],
            rule=_rule(route, wish),
            route=name,
            why=f"{fault}; a fallback takes over",
            fallbacks=spare[1:],
            reasons=route.fallback_when,
            passed_over=tuple(
                PassedOver(target.model, target.version, Reason.BROKEN) for target in away
            ),
        )

    def _fallbacks(self, route: Route, wish: Wish, choice: Choice | None) -> tuple[Choice, ...]:
        """Those that could answer in the place of ``choice``, or else of the first of them."""
        able: list[Choice] = []
        task = choice.recipe.task if choice else None
        for target in route.fallback:
            one = self._able(target, wish, task)
            if one is not None and not (choice and same(self._catalog, one, choice)):
                able.append(one)
                task = one.recipe.task
        return tuple(able)

    def _mirrors(self, name: str, route: Route, wish: Wish, choice: Choice) -> tuple[Mirror, ...]:
        shadow = route.shadow
        if shadow is None or self._chance.random() >= shadow.share:
            return ()
        one = self._able(shadow.to, wish, choice.recipe.task)
        if one is None or same(self._catalog, one, choice):
            return ()
        return (Mirror(name, one),)

    def _able(self, target: Target, wish: Wish, task: Task | None) -> Choice | None:
        """The model of ``target``, if it is ready, does ``task`` and can answer ``wish``."""
        try:
            choice = find(self._catalog, target)
        except GatewayError:
            return None
        alike = task is None or choice.recipe.task is task
        return choice if alike and fits(choice, wish) else None


def _targets(route: Route) -> list[Target]:
    shadow = [] if route.shadow is None else [route.shadow.to]
    return [*(one.target for one in route.to), *route.fallback, *shadow]


def _rule(route: Route, wish: Wish) -> Rule:
    if wish.model is None:
        return Rule.DEFAULT
    if len(route.to) == 1:
        return Rule.ALIAS
    return Rule.STICKY if wish.route_key else Rule.WEIGHT
