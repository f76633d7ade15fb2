"""Which model answers a request, and why: decided by the router, told in answers, logs and metrics."""

from dataclasses import dataclass, field
from enum import StrEnum

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


@dataclass(frozen=True, slots=True)
class PassedOver:
    """One that should have answered, and why it did not."""

    model: str
    version: str  # "" if it had not been settled
    reason: Reason


@dataclass(slots=True)
class Routing:
    """What became of a decision; written while the request goes on."""

    rule: Rule
    route: str = ""
    why: str = ""
    passed_over: list[PassedOver] = field(default_factory=list)
    cache: Cached | None = None  # None: it was not asked
