"""Requests as the generator saw them, and the figures they come down to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import quantiles

OK = 200
REFUSED = frozenset({429, 503})
NO_ANSWER = 0  # in place of a status: the caller gave up, or the connection broke
GOOD_SECONDS = 0.5  # an answer that took longer is of no use to the caller


@dataclass(frozen=True, slots=True)
class Sample:
    """One request; its times are seconds on one clock."""

    due: float  # when it should have been sent
    sent: float  # when it was
    end: float  # when its answer was complete, or the caller gave up
    status: int

    @property
    def seconds(self) -> float:
        """Latency from the intended moment, so that a late generator hides no waiting."""
        return self.end - self.due

    @property
    def good(self) -> bool:
        """Whether the caller got what it wanted in time."""
        return self.status == OK and self.seconds <= GOOD_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of the requests of one run; a percentile of nothing is None."""

    seconds: float
    requests: int
    answered: int  # with 200
    refused: int  # with 429 or 503
    failed: int  # with another status, or without an answer
    answers_per_second: float
    good_per_second: float  # 200 within GOOD_SECONDS
    p50_ms: float | None  # p50, p95, p99: of the requests answered with 200
    p95_ms: float | None
    p99_ms: float | None
    refusal_p50_ms: float | None
    refusal_p99_ms: float | None
    late_p99_ms: float | None  # how late the generator sent; its own fault, not the server's


def figures(samples: Sequence[Sample], seconds: float) -> Figures:
    """The figures of ``samples``, which are those of a window of ``seconds``."""
    answered = [sample for sample in samples if sample.status == OK]
    refused = [sample for sample in samples if sample.status in REFUSED]
    latencies = percentiles(sample.seconds for sample in answered)
    refusals = percentiles(sample.seconds for sample in refused)
    return Figures(
        seconds=seconds,
        requests=len(samples),
        answered=len(answered),
        refused=len(refused),
        failed=len(samples) - len(answered) - len(refused),
        answers_per_second=round(len(answered) / seconds, 1),
        good_per_second=round(sum(sample.good for sample in answered) / seconds, 1),
        p50_ms=latencies[50],
        p95_ms=latencies[95],
        p99_ms=latencies[99],
        refusal_p50_ms=refusals[50],
        refusal_p99_ms=refusals[99],
        late_p99_ms=percentiles(sample.sent - sample.due for sample in samples)[99],
    )


def percentiles(seconds: Iterable[float]) -> dict[int, float | None]:
    """The 1st to 99th percentile in milliseconds, by linear interpolation; None of nothing."""
    values = [1000 * value for value in seconds]
    if not values:
        return dict.fromkeys(range(1, 100))
    cuts = quantiles(values if len(values) > 1 else values * 2, n=100, method="inclusive")
    return {percent: round(cut, 2) for percent, cut in enumerate(cuts, start=1)}
