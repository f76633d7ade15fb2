"""Which model answers a request, and why: the router decides, answers, logs and metrics tell."""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Self

from service.values import Choice


class Rule(StrEnum):
    """What a choice rests on; a closed set, because it is a metric's label."""

    NAME = "name"  # the caller named the model
    DEFAULT = "default"  # the caller named none
    ALIAS = "alias"  # a route with one target
    WEIGHT = "weight"  # a route with several, by chance
    STICKY = "sticky"  # a route with several, by the caller's route key
    FORCED = "forced"  # the caller picked one of a route's targets
    POLICY = "policy"  # `model=auto`


class Reason(StrEnum):
    """Why a fallback takes over; a closed set likewise."""

    OVERLOADED = "overloaded"
    BROKEN = "broken"  # away, not ready, or failing
    SLOW = "slow"  # for the deadline


class Cached(StrEnum):
    """What the response cache did for a request; a closed set likewise."""

    HIT = "hit"
    MISS = "miss"
    SHARED = "shared"  # the same was being computed for somebody else


@dataclass(frozen=True, slots=True)
class Mirror:
    """A candidate that shall see the same image, off the request's way."""

    shadow: str  # the route whose shadow it is, or "auto" for a cold model of the policy
    choice: Choice


@dataclass(frozen=True, slots=True)
class PassedOver:
    """One that should have answered, and why it did not."""

    model: str
    version: str  # "" if it had not been settled
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Who answers, who does if he cannot, and who is tried out beside."""

    choice: Choice
    rule: Rule
    route: str = ""  # name in the routing file, where one of its routes was asked for
    why: str = ""  # a sentence, where the rule does not say it all
    fallbacks: tuple[Choice, ...] = ()  # in their order
    reasons: frozenset[Reason] = frozenset(Reason)  # for which a fallback takes over
    mirrors: tuple[Mirror, ...] = ()
    passed_over: tuple[PassedOver, ...] = ()  # targets that were not ready when it was decided


@dataclass(slots=True)
class Routing:
    """What became of a decision; written while the request goes on."""

    rule: Rule
    route: str = ""
    why: str = ""
    passed_over: list[PassedOver] = field(default_factory=list)
    cache: Cached | None = None  # None: it was not asked

    @classmethod
    def of(cls, decision: Decision) -> Self:
        """What there is to tell before anybody was asked."""
        return cls(decision.rule, decision.route, decision.why, list(decision.passed_over))

    def copy(self) -> Self:
        """One that goes its own way."""
        return replace(self, passed_over=list(self.passed_over))

    @property
    def plain(self) -> bool:
        """Whether the model that the caller named answered, and there is no more to tell."""
        return self.rule is Rule.NAME and not self.passed_over and self.cache is None
