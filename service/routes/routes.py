"""GET /routes: the routing file in force, and what its names come to now."""

from collections.abc import Iterable
from datetime import datetime

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from contract.recipe import Task
from service.catalog import Catalog
from service.decision import Reason
from service.errors import GatewayError, Unauthenticated
from service.guard import Guard
from service.openapi import KEYS, responses
from service.routing import spec
from service.routing.candidates import candidates
from service.routing.file import RoutesFile
from service.routing.targets import find

LIST = "/routes"


class TargetInfo(BaseModel):
    """A model that a route may lead to."""

    target: str = Field(examples=["mbv2_simam@1"], description="a model, or model@version")
    ready: bool = Field(description="whether a prediction can be asked of it now")
    reason: str | None = Field(examples=[None], description="why it cannot")


class WeightedInfo(TargetInfo):
    """One of a route's own targets."""

    weight: float = Field(examples=[95])
    share: float = Field(examples=[1.0], description="of the weights of those that are ready")


class CandidateInfo(TargetInfo):
    """The candidate beside a route."""

    share: float = Field(examples=[0.1], description="of the route's answers that it is tried on")


class RouteInfo(BaseModel):
    """What one name stands for."""

    name: str = Field(examples=["signs"])
    to: list[WeightedInfo]
    fallback: list[TargetInfo] = Field(description="in the order in which they take over")
    fallback_when: list[Reason] = Field(examples=[["broken", "overloaded", "slow"]])
    shadow: CandidateInfo | None


class AutoInfo(BaseModel):
    """What `model=auto` chooses from for one task."""

    task: Task
    listed: bool = Field(description="in the file; else those that share their labels")
    models: list[TargetInfo]
    reason: str | None = Field(examples=[None], description="why it has no choice")


class RoutesInfo(BaseModel):
    """What ``GET /routes`` answers."""

    digest: str | None = Field(
        examples=["3f9c1b0a77de"],
        description="first digits of the SHA-256 of the text in force; null without a file",
    )
    since: datetime | None = Field(
        examples=["2026-03-01T02:58:11Z"], description="when this process took it"
    )
    fault: str | None = Field(
        examples=["routes.toml:7: routes.signs.shadow.shre: unknown key; did you mean 'share'?"],
        description="why the file as it is now is not in force, a line for each reason",
    )
    defaults: dict[Task, str] = Field(
        examples=[{"classification": "signs"}], description="where a request names no model"
    )
    routes: list[RouteInfo]
    auto: list[AutoInfo]


def router(catalog: Catalog, routes_file: RoutesFile, guard: Guard) -> APIRouter:
    """The route over ``routes_file``, with what ``catalog`` knows of its targets."""
    routes = APIRouter(tags=["models"], dependencies=[Depends(guard.look)])

    @routes.get(LIST, responses=responses(LIST, Unauthenticated), openapi_extra={"security": KEYS})
    async def list_routes() -> RoutesInfo:
        """The routes in force, which of their targets are ready, and the newest file's fault."""
        return describe(catalog, routes_file)

    return routes


def describe(catalog: Catalog, routes_file: RoutesFile) -> RoutesInfo:
    """What counts at this moment."""
    in_force = routes_file.in_force
    routes = in_force.routes
    return RoutesInfo(
        digest=in_force.digest or None,
        since=in_force.loaded_at,
        fault=routes_file.fault or None,
        defaults=routes.defaults,
        routes=[_route(catalog, name, route) for name, route in routes.routes.items()],
        auto=[_auto(catalog, routes, task) for task in Task],
    )


def _route(catalog: Catalog, name: str, route: spec.Route) -> RouteInfo:
    return RouteInfo(
        name=name,
        to=_weighted(catalog, route.to),
        fallback=_targets(catalog, route.fallback),
        fallback_when=sorted(route.fallback_when),
        shadow=None if route.shadow is None else _shadow(catalog, route.shadow),
    )


def _shadow(catalog: Catalog, shadow: spec.Shadow) -> CandidateInfo:
    return CandidateInfo(share=shadow.share, **_target(catalog, shadow.to).model_dump())


def _weighted(catalog: Catalog, to: Iterable[spec.Weighted]) -> list[WeightedInfo]:
    told = [(one.weight, _target(catalog, one.target)) for one in to]
    total = sum(weight for weight, target in told if target.ready)
    return [
        WeightedInfo(
            weight=weight,
            share=weight / total if target.ready and total else 0,
            **target.model_dump(),
        )
        for weight, target in told
    ]


def _auto(catalog: Catalog, routes: spec.Routes, task: Task) -> AutoInfo:
    group, reason = routes.auto.get(task), None
    try:
        found = [
            spec.Target(model=one.model, version=one.version)
            for one in candidates(catalog, routes, task)
        ]
    except GatewayError as error:
        found, reason = [], error.detail
    models = _targets(catalog, group.models if group else found)
    for one in models:
        if one.ready and one.target not in map(str, found):
            one.ready, one.reason = False, f"it is untrained, or does not do {task}"
    return AutoInfo(task=task, listed=group is not None, models=models, reason=reason)


def _targets(catalog: Catalog, targets: Iterable[spec.Target]) -> list[TargetInfo]:
    return [_target(catalog, one) for one in targets]


def _target(catalog: Catalog, target: spec.Target) -> TargetInfo:
    try:
        find(catalog, target)
    except GatewayError as error:
        return TargetInfo(target=str(target), ready=False, reason=error.detail)
    return TargetInfo(target=str(target), ready=True, reason=None)
