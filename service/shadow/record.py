"""What is known of each shadow: its trials, what it was not shown, where answers differed."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from contract.recipe import Card, Recipe
from service.routing.spec import AUTO, Routes, Shadow, Target
from service.shadow.allowance import Allowance
from service.shadow.disagreements import Disagreements
from service.shadow.tally import Tally
from service.shadow.verdict import Kind, Verdict, verdict
from service.shadow.watcher import Cause, Unwatched, Watcher

MOST_TRIALS = 8  # of a shadow; a route of several targets has one for each

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pair:
    """Who answered, and who was tried beside."""

    primary: Target
    candidate: Target


@dataclass(slots=True)
class Trial:
    """One candidate beside one primary, each of one version."""

    pair: Pair
    tally: Tally
    primary_card: Card | None
    candidate_card: Card | None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))  # of its last image
    kind: Kind | None = None  # of the verdict when it was last told

    def verdict(self, shadow: Shadow) -> Verdict:
        """By the thresholds of ``shadow``, as they are now."""
        return verdict(self.tally, shadow.thresholds, self.primary_card, self.candidate_card)


class Record:
    """All of one shadow, in one process."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.allowance = Allowance(clock)
        self.reset()

    def reset(self) -> None:
        """Begin anew, but for the share of the time that was used."""
        self.tries = 0
        self.trials: dict[Pair, Trial] = {}  # the one with the newest image last
        self.dropped: Counter[Cause] = Counter()
        self.disagreements = Disagreements()

    def settled(self, pair: Pair) -> Pair:
        """``pair``; where its candidate has no version yet, that of the newest one like it."""
        if not pair.candidate.version:
            for known in reversed(self.trials):
                if (known.primary, known.candidate.model) == (pair.primary, pair.candidate.model):
                    return known
        return pair

    def trial(self, pair: Pair, primary: Recipe, candidate: Recipe) -> Trial:
        """That of ``pair``, which becomes the newest; the oldest one over `MOST_TRIALS` goes."""
        failed = replace(pair, candidate=Target(model=pair.candidate.model))  # before any answer
        trial = self.trials.pop(pair, None) or self.trials.pop(failed, None)
        if trial is None:
            trial = Trial(pair, Tally(candidate.task), primary.card, candidate.card)
        trial.pair = pair
        trial.at = datetime.now(UTC)
        self.trials[pair] = trial
        if len(self.trials) > MOST_TRIALS:
            del self.trials[next(iter(self.trials))]
        return trial


class Shadows:
    """The record of each shadow that the routing file has now."""

    def __init__(
        self,
        routes: Callable[[], Routes],
        watcher: Watcher | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._routes = routes
        self._adopted: Routes | None = None
        self._clock = clock
        self._records: dict[str, Record] = {}
        self._settings: Mapping[str, Shadow] = {}
        self.watcher = watcher or Unwatched()

    @property
    def settings(self) -> Mapping[str, Shadow]:
        """What the file says of each, by the name of the route."""
        routes = self._routes()
        if routes is not self._adopted:
            self._adopt(routes)
        return self._settings

    def record(self, name: str) -> Record:
        """Of the route ``name``, or of the policy's cold models."""
        if name not in self._records:
            self._records[name] = Record(self._clock)
        return self._records[name]

    def dropped(self, name: str, cause: Cause) -> None:
        """Count an image that a candidate was not shown."""
        self.record(name).dropped[cause] += 1
        self.watcher.dropped(name, cause)

    def judge(self, name: str, trial: Trial, shadow: Shadow) -> None:
        """Tell of the verdict on ``trial``, if it is another one now."""
        judged = trial.verdict(shadow)
        if judged.kind is trial.kind:
            return
        trial.kind = judged.kind
        self.watcher.verdict(name, judged.kind)
        told = {
            "shadow": name,
            "primary": str(trial.pair.primary),
            "candidate": str(trial.pair.candidate),
            "verdict": judged.kind.value,
            "reasons": list(judged.reasons),
        }
        log.info("verdict on a candidate", extra=told)

    def _adopt(self, routes: Routes) -> None:
        """Forget the shadows that are gone, and the images that may no longer be kept."""
        self._adopted = routes
        self._settings = {
            name: route.shadow for name, route in routes.routes.items() if route.shadow is not None
        }
        for name, record in list(self._records.items()):
            if name in self._settings:
                if not self._settings[name].keep_images:
                    record.disagreements.forget_images()
            elif name != AUTO:
                del self._records[name]
