"""Promote, hold or reject: what stated thresholds make of a tally; docs/shadow.md has the rules.

Every interval here is right at all looks together, so that nobody who waits for a `promote` gets it
by waiting: see `intervals.lasting`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from contract.recipe import QUALITY, Card, Figure, Task
from service.routing.spec import Thresholds
from service.shadow.intervals import unpaired
from service.shadow.tally import TIMED, Tally


class Kind(StrEnum):
    """What to do with a candidate."""

    PROMOTE = "promote"  # it is better
    HOLD = "hold"  # nothing is certain, or there is nothing to gain
    REJECT = "reject"  # it is worse


class Source(StrEnum):
    """What a difference in accuracy rests on."""

    LABELS = "labels"  # images whose truth the callers told
    CARDS = "cards"  # both models' figures on the same test images
    AGREEMENT = "agreement"  # where two classifiers agree, they are right or wrong together


@dataclass(frozen=True, slots=True)
class Gain:
    """The candidate's accuracy less the primary's; of detectors, the average precision."""

    source: Source
    difference: Figure
    least_agreement: float  # that models so accurate must have; 0 where nothing is known of it

    @property
    def certain(self) -> bool:
        """Whether the candidate is the more accurate one."""
        return self.difference.low > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a verdict rests on."""

    agreement: Figure
    error_share: Figure
    slowdown: Figure | None  # the candidate's mean time over the primary's
    gain: Gain | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do with a candidate, and why."""

    kind: Kind
    reasons: tuple[str, ...]
    evidence: Evidence


def verdict(
    tally: Tally,
    thresholds: Thresholds,
    primary_card: Card | None,
    candidate_card: Card | None,
) -> Verdict:
    """The verdict on ``tally``'s candidate; it may be asked for as often as one likes."""
    start = thresholds.min_compared
    agreement = tally.share_agreeing(start)
    found = Evidence(
        agreement=agreement,
        error_share=tally.error_share(start),
        slowdown=tally.slowdown(),
        gain=_gain(tally, agreement, primary_card, candidate_card),
    )
    if tally.tried < start:
        return Verdict(Kind.HOLD, (f"{tally.tried} of {start} images tried",), found)
    if faults := tuple(_faults(found, thresholds)):
        return Verdict(Kind.REJECT, faults, found)
    if doubts := tuple(_doubts(tally, found, thresholds)):
        return Verdict(Kind.HOLD, doubts, found)
    if merits := tuple(_merits(found)):
        return Verdict(Kind.PROMOTE, merits, found)
    return Verdict(Kind.HOLD, ("nothing to gain: neither more accurate nor faster",), found)


def _faults(found: Evidence, wanted: Thresholds) -> Iterator[str]:
    """What is certainly wrong with the candidate."""
    if found.error_share.low > wanted.max_error_share:
        yield f"errors: {_percent(found.error_share)}, over {wanted.max_error_share:.1%}"
    least = wanted.min_agreement
    if found.gain is not None and found.gain.certain:
        least = min(least, found.gain.least_agreement)
    if found.agreement.high < least:
        yield f"agreement: {_percent(found.agreement)}, under {least:.1%}"
    if found.slowdown is not None and found.slowdown.low > wanted.max_slowdown:
        yield f"time: {_times(found.slowdown)} the primary's, over {wanted.max_slowdown:g}"
    if found.gain is not None and found.gain.difference.high < -wanted.tolerance:
        yield f"accuracy: {_gained(found.gain)}, under -{wanted.tolerance:.1%}"


def _doubts(tally: Tally, found: Evidence, wanted: Thresholds) -> Iterator[str]:
    """What must be certain of a candidate before it is promoted, and is not."""
    if tally.compared < wanted.min_compared:
        yield f"{tally.compared} of {wanted.min_compared} images answered"
    if found.error_share.high > wanted.max_error_share:
        yield f"errors: {_percent(found.error_share)}, perhaps over {wanted.max_error_share:.1%}"
    if found.slowdown is None:
        yield f"time: {tally.primary_seconds.count} of {TIMED} images timed"
    elif found.slowdown.high > wanted.max_slowdown:
        yield f"time: {_times(found.slowdown)} the primary's, perhaps over {wanted.max_slowdown:g}"
    if found.gain is None:
        yield "accuracy: unknown, as the two cards have no figures on the same test data"
    elif found.gain.difference.low < -wanted.tolerance:
        yield f"accuracy: {_gained(found.gain)}, perhaps under -{wanted.tolerance:.1%}"


def _merits(found: Evidence) -> Iterator[str]:
    """What is certainly better."""
    if found.gain is not None and found.gain.certain:
        yield f"more accurate: {_gained(found.gain)}"
    if found.slowdown is not None and found.slowdown.high < 1:
        yield f"faster: {_times(found.slowdown)} the primary's time"


def _gain(
    tally: Tally, agreement: Figure, primary: Card | None, candidate: Card | None
) -> Gain | None:
    """From the best source there is.

    Of two classifiers the accuracies differ by no more than the share of images they disagree on,
    whatever the source; the lower end shall not lie under that.
    """
    gain = _by_labels(tally) or _by_cards(primary, candidate)
    if tally.task is not Task.CLASSIFICATION:
        return gain
    most = 1 - agreement.low
    if gain is None:
        return Gain(Source.AGREEMENT, Figure(value=0.0, low=-most, high=most), 0.0)
    told = gain.difference
    low = min(told.high, max(told.low, -most))
    return replace(gain, difference=replace(told, low=low))


def _by_labels(tally: Tally) -> Gain | None:
    difference, accuracies = tally.gain(), tally.accuracies()
    if difference is None or accuracies is None:
        return None
    return Gain(Source.LABELS, difference, _least_agreement(*accuracies))


def _by_cards(primary: Card | None, candidate: Card | None) -> Gain | None:
    """What the cards say, if they tell of the same data."""
    if primary is None or candidate is None or primary.data != candidate.data:
        return None
    for task, name in QUALITY.items():
        ours, theirs = primary.metrics.get(name), candidate.metrics.get(name)
        if ours is not None and theirs is not None:
            least = _least_agreement(ours, theirs) if task is Task.CLASSIFICATION else 0.0
            return Gain(Source.CARDS, unpaired(ours, theirs), least)
    return None


def _least_agreement(ours: Figure, theirs: Figure) -> float:
    """Two right answers agree, and both are right at least that often (Bonferroni)."""
    return max(0.0, ours.value + theirs.value - 1)


def _percent(figure: Figure) -> str:
    return f"{figure.value:.1%} ({figure.low:.1%} to {figure.high:.1%})"


def _times(figure: Figure) -> str:
    return f"{figure.value:.2f} ({figure.low:.2f} to {figure.high:.2f}) times"


def _gained(gain: Gain) -> str:
    told = gain.difference
    return f"{told.value:+.1%} ({told.low:+.1%} to {told.high:+.1%}) by {gain.source}"
