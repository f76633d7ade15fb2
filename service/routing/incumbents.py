"""Hysteresis: who was chosen stays until somebody is clearly better.

A p95 is an estimate and trembles. Without this a model whose p95 lies about the budget would come
and go with each new estimate, and callers would see two models' answers in turn.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from service.values import Choice

MARGIN = 0.85  # of the budget, or of the incumbent's p95, that a challenger must keep to
HOLD_SECONDS = 5.0  # that an incumbent which fits is safe from challengers
MOST = 1024  # incumbents that are remembered


@dataclass(frozen=True, slots=True)
class Standing:
    """A candidate, how good it is in the policy's eyes and how fast."""

    choice: Choice
    merit: float  # more is better; equal ones are told apart by p95
    p95: float  # seconds; infinite while it is cold

    @property
    def cold(self) -> bool:
        """Whether there are too few recent predictions to know its p95."""
        return self.p95 == math.inf

    @property
    def name(self) -> tuple[str, str]:
        """Model and version."""
        return self.choice.model, self.choice.version


class Incumbents:
    """Who was chosen last, by what was asked for; the longest unasked are forgotten."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._held: OrderedDict[Hashable, tuple[tuple[str, str], float]] = OrderedDict()

    def choose(self, key: Hashable, ranked: Sequence[Standing], limit: float) -> Standing:
        """The incumbent of ``key``, or who replaces it, out of those that fit ``limit`` seconds.

        ``ranked`` has one at least and is best first. An incumbent that is not in it any more
        leaves at once, and the next one is to fit with a margin, if any does, or it would soon
        leave too. One that is in it stays for 5 s, and then until a better one has the margin.
        """
        now = self._clock()
        name, since = self._held.get(key, (None, now))
        kept = next((one for one in ranked if one.name == name), None)
        if kept is not None:
            better = (one for one in ranked if _clearly_better(one, kept, limit))
            chosen = next(better, kept) if now - since >= HOLD_SECONDS else kept
        elif name is not None:
            chosen = next((one for one in ranked if one.p95 <= MARGIN * limit), ranked[0])
        else:
            chosen = ranked[0]
        self._held[key] = (chosen.name, since if chosen is kept else now)
        self._held.move_to_end(key)
        if len(self._held) > MOST:
            self._held.popitem(last=False)
        return chosen


def _clearly_better(one: Standing, kept: Standing, limit: float) -> bool:
    if one.p95 > MARGIN * limit or one.merit < kept.merit:
        return False
    return one.merit > kept.merit or one.p95 < MARGIN * kept.p95
