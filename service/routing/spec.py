"""The routing file's content, checked: docs/routing.md explains it field by field."""

import re
from collections.abc import Sequence
from typing import Annotated, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

from contract.recipe import Task
from service.decision import Reason

AUTO = "auto"  # as a model's name: the policy chooses
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
# Triton serves no folder whose name begins with 0 as a version.
TARGET = re.compile(rf"(?P<model>{NAME.pattern})(?:@(?P<version>[1-9][0-9]{{0,17}}))?")


T = TypeVar("T")
Loose = Annotated[T, Field(strict=False)]  # what TOML has no type for: its array is no tuple


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Target(_Part):
    """A model, and which version of it; "" is the newest that is ready."""

    model: str
    version: str = ""

    def __str__(self) -> str:
        return f"{self.model}@{self.version}" if self.version else self.model


def _target(given: object) -> object:
    """``"model"`` or ``"model@version"``."""
    if isinstance(given, Target):
        return given
    if not isinstance(given, str):
        raise ValueError("it should be the name of a model")  # noqa: TRY004 - pydantic's way
    found = TARGET.fullmatch(given)
    if found is None:
        raise ValueError(f"{given!r} is no target; write a model, or model@version")
    if found["model"] == AUTO:
        raise ValueError(f"{AUTO!r} is the policy and cannot be a target")
    return Target(model=found["model"], version=found["version"] or "")


def _unequal(targets: tuple[Target, ...]) -> tuple[Target, ...]:
    twice = next((one for one in targets if targets.count(one) > 1), None)
    if twice is not None:
        raise ValueError(f"'{twice}' is named twice")
    return targets


To = Annotated[Target, BeforeValidator(_target)]
Several = Annotated[Loose[tuple[To, ...]], AfterValidator(_unequal)]


class Weighted(_Part):
    """One target of a route and its weight among them; 0 gets no traffic unless it is forced."""

    target: To
    weight: float = Field(ge=0, le=1e9)


class Thresholds(_Part):
    """What a candidate must keep to; docs/shadow.md has the verdict's rules."""

    # Images, before any verdict but hold.
    min_compared: int = Field(default=200, ge=10, le=1_000_000)
    min_agreement: float = Field(default=0.8, ge=0, le=1)  # top-1, or the boxes' F1
    max_error_share: float = Field(default=0.01, ge=0, le=1)  # of the candidate's tries
    max_slowdown: float = Field(default=1.5, gt=0)  # candidate's mean time over the primary's
    tolerance: float = Field(default=0.01, ge=0, le=1)  # accuracy that a faster candidate may lose


class Shadow(_Part):
    """A candidate beside a route."""

    to: To
    share: float = Field(default=0.1, gt=0, le=1)  # of the route's answered requests
    busy: float = Field(default=0.05, gt=0, le=1)  # of the time, that candidates may take at most
    keep_images: bool = False  # with the disagreements
    keep: int = Field(default=50, ge=0, le=1000)  # disagreements, the newest
    thresholds: Thresholds = Thresholds()


def _weights(given: object) -> object:
    """``"model"``, or ``{"model" = 9, "other@2" = 1}``."""
    if isinstance(given, str):
        return [{"target": given, "weight": 1}]
    if isinstance(given, dict):
        return [{"target": name, "weight": weight} for name, weight in given.items()]
    if isinstance(given, Sequence) and all(isinstance(one, Weighted) for one in given):
        return given
    raise ValueError('it should be a target, or a table of weights as { "a" = 9, "b@2" = 1 }')


def _usable(to: tuple[Weighted, ...]) -> tuple[Weighted, ...]:
    if not to:
        raise ValueError("it is empty; name a target")
    if not any(one.weight for one in to):
        raise ValueError("every weight is 0; one target must get traffic")
    return to


class Route(_Part):
    """What one name stands for."""

    to: Annotated[Loose[tuple[Weighted, ...]], BeforeValidator(_weights), AfterValidator(_usable)]
    fallback: Several = ()
    fallback_when: Loose[frozenset[Loose[Reason]]] = frozenset(Reason)
    shadow: Shadow | None = None

    @field_validator("fallback")
    @classmethod
    def _is_another(cls, fallback: tuple[Target, ...], info: ValidationInfo) -> tuple[Target, ...]:
        only = _only(info.data.get("to", ()))
        if only in fallback:
            raise ValueError(f"'{only}' has all the weight and cannot stand in for itself")
        return fallback

    @field_validator("shadow")
    @classmethod
    def _is_beside(cls, shadow: Shadow | None, info: ValidationInfo) -> Shadow | None:
        only = _only(info.data.get("to", ()))
        if shadow is not None and shadow.to == only:
            raise ValueError(f"'{only}' has all the weight and would be compared with itself")
        return shadow


def _only(to: tuple[Weighted, ...]) -> Target | None:
    """The target that gets all the traffic, where one does."""
    targets = [one.target for one in to if one.weight]
    return targets[0] if len(targets) == 1 else None


class Auto(_Part):
    """What `model=auto` chooses from for one task; by default all that share their labels."""

    models: Several

    @field_validator("models")
    @classmethod
    def _is_some(cls, models: tuple[Target, ...]) -> tuple[Target, ...]:
        if not models:
            raise ValueError("it is empty; name a model, or leave the group out")
        return models


def _name(given: str) -> str:
    if not NAME.fullmatch(given):
        raise ValueError(
            f"{given!r} is no name: letters, digits, _ . - and neither . nor - at the beginning"
        )
    return given


def _route_name(given: str) -> str:
    if given == AUTO:
        raise ValueError(f"{AUTO!r} is the policy and cannot be a route")
    return _name(given)


class Routes(_Part):
    """A whole routing file."""

    defaults: dict[Loose[Task], Annotated[str, AfterValidator(_name)]] = Field(default_factory=dict)
    routes: dict[Annotated[str, AfterValidator(_route_name)], Route] = Field(default_factory=dict)
    auto: dict[Loose[Task], Auto] = Field(default_factory=dict)
