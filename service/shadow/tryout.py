"""One image shown to one candidate, and what is noted of it.

Of some images both models are timed, one right after the other and in either order. The time of the
answer that the caller got would be no match: it was taken while others wanted an answer too.
"""

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from contract.recipe import Task
from service.decision import Decision, Mirror, Rule
from service.errors import GatewayError, InternalError
from service.predicting import Predicting
from service.routing.spec import AUTO, Shadow, Target
from service.shadow.agreement import agreement
from service.shadow.disagreements import Case, Picture
from service.shadow.record import Pair, Record, Shadows, Trial
from service.shadow.watcher import Cause
from service.trace import Outcome, Trace
from service.values import Choice, Deadline, Result, Upload, Wish

TIMED_EVERY = 4  # images, of which the primary is asked again

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """An answered image that a candidate shall see too."""

    mirror: Mirror
    primary: Choice  # of the very version that answered
    answer: Result
    wish: Wish
    upload: Upload
    trace: Trace
    at: float  # on the clock of whoever hands it over

    @property
    def shadow(self) -> str:
        """The route whose shadow the candidate is, or "auto"."""
        return self.mirror.shadow

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return len(self.upload.data)


@dataclass(frozen=True, slots=True)
class _Run:
    """What became of asking one model, out of the callers' sight."""

    outcome: Result | GatewayError
    seconds: float
    kind: str  # Pillow's name of the file's format; empty if it was not decoded


class Tryout:
    """Asks candidates through ``predicting`` and keeps the books in ``shadows``."""

    def __init__(
        self,
        predicting: Predicting,
        shadows: Shadows,
        observe: Callable[[str, float], None],
        timeout_seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self._predicting = predicting
        self._shadows = shadows
        self._observe = observe
        self._timeout_seconds = timeout_seconds
        self._clock = clock

    async def show(self, handed: Handed) -> None:
        """Ask the candidate, and of some images the primary again; the time it took is charged."""
        record = self._shadows.record(handed.shadow)
        started = self._clock()
        try:
            if handed.shadow == AUTO:
                await self._ask(handed.mirror.choice, handed)
            else:
                await self._compare(handed, record)
        finally:
            record.allowance.spend(self._clock() - started)

    async def _compare(self, handed: Handed, record: Record) -> None:
        shadow = self._shadows.settings.get(handed.shadow)
        if shadow is None:  # it has gone from the routing file since
            return
        candidate, primary = await self._ask_both(handed, timed=record.tries % TIMED_EVERY == 0)
        record.tries += 1
        if isinstance(candidate.outcome, Result):
            trial = self._note(handed, shadow, record, candidate, candidate.outcome)
            if primary is not None and isinstance(primary.outcome, Result):
                trial.tally.add_times(primary.seconds, candidate.seconds)
        elif candidate.outcome.outcome is Outcome.OVERLOADED:
            self._shadows.dropped(handed.shadow, Cause.BUSY)
            return
        else:
            trial = self._note_failure(handed, record, candidate.outcome)
        self._shadows.judge(handed.shadow, trial, shadow)

    async def _ask_both(self, handed: Handed, *, timed: bool) -> tuple[_Run, _Run | None]:
        """The candidate's run, and the primary's if it is to be timed."""
        if not timed:
            return await self._ask(handed.mirror.choice, handed), None
        # Whoever comes second may find the file and Triton's caches warm.
        if random.getrandbits(1):
            primary = await self._ask(handed.primary, handed)
            return await self._ask(handed.mirror.choice, handed), primary
        candidate = await self._ask(handed.mirror.choice, handed)
        return candidate, await self._ask(handed.primary, handed)

    async def _ask(self, choice: Choice, handed: Handed) -> _Run:
        """One run; nothing that fails here may end the task that tries out candidates."""
        trace = Trace(handed.trace.request_id, handed.trace.context)
        wish = replace(handed.wish, top_k=None, class_maps=False, render=False)
        outcome: Result | GatewayError
        started = self._clock()
        try:
            outcome = await self._predicting.predict(
                Decision(choice=choice, rule=Rule.NAME),
                wish,
                handed.upload,
                trace,
                Deadline.after(self._timeout_seconds),
            )
        except GatewayError as error:
            outcome = error
        except Exception:
            log.exception("a candidate could not be asked", extra={"model": choice.model})
            outcome = InternalError("the gateway failed; its log has the cause")
        seconds = self._clock() - started
        if isinstance(outcome, Result) and choice is handed.mirror.choice:
            self._observe(choice.model, seconds)
        return _Run(outcome, seconds, trace.looks.kind if trace.looks else "")

    def _note_failure(self, handed: Handed, record: Record, error: GatewayError) -> Trial:
        """Write down that the candidate could not answer; its version may never have been known."""
        pair = _pair(handed, handed.mirror.choice.version)
        trial = record.trial(
            record.settled(pair), handed.primary.recipe, handed.mirror.choice.recipe
        )
        trial.tally.errors += 1
        self._shadows.watcher.failed(handed.shadow, error.code())
        return trial

    def _note(
        self, handed: Handed, shadow: Shadow, record: Record, run: _Run, result: Result
    ) -> Trial:
        """Write down what the candidate answered."""
        recipes = handed.primary.recipe, handed.mirror.choice.recipe
        trial = record.trial(_pair(handed, result.version), *recipes)
        likeness = agreement(handed.answer, result)
        trial.tally.add(likeness)
        self._shadows.watcher.compared(handed.shadow, likeness)
        truth = handed.wish.truth
        if truth is not None and _knows(handed, truth):
            trial.tally.add_truth(_right(handed.answer, truth), _right(result, truth))
        if not likeness.agrees and shadow.keep:
            case = Case(
                number=record.disagreements.next_number(),
                at=datetime.now(UTC),
                request_id=handed.trace.request_id,
                primary=handed.answer,
                candidate=result,
                truth=truth,
                picture=_picture(handed, run.kind) if shadow.keep_images else None,
            )
            record.disagreements.add(case, shadow.keep)
        return trial


def _pair(handed: Handed, version: str) -> Pair:
    primary, candidate = handed.primary, handed.mirror.choice
    return Pair(
        Target(model=primary.model, version=primary.version),
        Target(model=candidate.model, version=version),
    )


def _knows(handed: Handed, truth: str) -> bool:
    """Whether it can be told who is right: a word that neither model has is a slip of the pen."""
    recipes = handed.primary.recipe, handed.mirror.choice.recipe
    return recipes[0].task is Task.CLASSIFICATION and any(truth in one.labels for one in recipes)


def _right(result: Result, truth: str) -> bool:
    return [label.name for label in (result.findings.labels or ())[:1]] == [truth]


def _picture(handed: Handed, kind: str) -> Picture:
    media_type = f"image/{kind.lower()}" if kind else "application/octet-stream"
    return Picture(handed.upload.data, media_type)
