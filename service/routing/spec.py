"""The routing file's content, checked: docs/routing.md explains it field by field."""

import re
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from contract.recipe import Task
from service.decision import Reason

AUTO = "auto"  # as a model's name: the policy chooses
NAME = r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$"
TARGET = re.compile(r"(?P<model>[A-Za-z0-9_][A-Za-z0-9._-]{0,127})(?:@(?P<version>[0-9]{1,18}))?")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Target(_Part):
    """A model, and which version of it; "" is the newest that is ready."""

    model: str
    version: str = ""

    def __str__(self) -> str:
        return f"{self.model}@{self.version}" if self.version else self.model


def _target(given: object) -> object:
    """``"model"`` or ``"model@version"``."""
    if not isinstance(given, str):
        return given
    found = TARGET.fullmatch(given)
    if found is None:
        raise ValueError(f"{given!r} is no target; write a model, or model@version")
    if found["model"] == AUTO:
        raise ValueError("'auto' is the policy and cannot be a target")
    return {"model": found["model"], "version": found["version"] or ""}


To = Annotated[Target, BeforeValidator(_target)]


class Weighted(_Part):
    """One target of a route and its weight among them; 0 gets no traffic unless it is forced."""

    target: To
    weight: Annotated[float, Field(ge=0, allow_inf_nan=False, le=1e9)]


class Thresholds(_Part):
    """What a candidate must keep to; docs/routing.md has the verdict's rules."""

    min_compared: int = Field(200, ge=10, le=1_000_000)  # images, before any verdict but hold
    min_agreement: float = Field(0.8, ge=0, le=1)  # top-1, or the boxes' F1
    max_error_share: float = Field(0.01, ge=0, le=1)  # of the candidate's tries
    max_slowdown: float = Field(1.5, gt=0)  # candidate's mean time over the primary's
    tolerance: float = Field(0.01, ge=0, le=1)  # accuracy that a faster candidate may lose


class Shadow(_Part):
    """A candidate beside a route."""

    to: To
    share: float = Field(0.1, gt=0, le=1)  # of the route's answered requests
    busy: float = Field(0.05, gt=0, le=1)  # of the time, that candidates may take at most
    keep_images: bool = False  # with the disagreements
    keep: int = Field(50, ge=0, le=1000)  # disagreements, the newest
    thresholds: Thresholds = Thresholds()


def _weights(given: object) -> object:
    """``"model"``, or ``{"model" = 9, "other@2" = 1}``."""
    if isinstance(given, str):
        return [{"target": given, "weight": 1}]
    if isinstance(given, dict):
        return [{"target": name, "weight": weight} for name, weight in given.items()]
    return given


class Route(_Part):
    """What one name stands for."""

    to: Annotated[tuple[Weighted, ...], BeforeValidator(_weights), Field(min_length=1)]
    fallback: tuple[To, ...] = ()
    fallback_when: frozenset[Reason] = frozenset(Reason)
    shadow: Shadow | None = None

    @model_validator(mode="after")
    def _has_weight(self) -> Self:
        if not any(one.weight for one in self.to):
            raise ValueError("every weight is 0; one target must get traffic")
        targets = [one.target for one in self.to]
        if len(set(targets)) < len(targets):
            raise ValueError("a target is named twice")
        return self


class Auto(_Part):
    """What `model=auto` chooses from for one task; by default all that share their labels."""

    models: Annotated[tuple[To, ...], Field(min_length=1)]


class Routes(_Part):
    """A whole routing file."""

    defaults: dict[Task, str] = Field(default_factory=dict)  # a route or a model
    routes: dict[Annotated[str, Field(pattern=NAME)], Route] = Field(default_factory=dict)
    auto: dict[Task, Auto] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _auto_is_no_route(cls, given: Any) -> Any:
        routes = given.get("routes") if isinstance(given, dict) else None
        if isinstance(routes, dict) and AUTO in routes:
            raise ValueError("routes.auto: 'auto' is the policy and cannot be a route")
        return given
