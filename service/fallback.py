"""A cheaper model in the place of one that is overloaded, broken or too slow for the deadline."""

import time
from dataclasses import replace

from service.decision import Decision, PassedOver, Reason, Routing
from service.errors import (
    BackendUnavailable,
    DeadlineExceeded,
    GatewayError,
    InferenceFailed,
    ModelBroken,
    ModelNotReady,
    Overloaded,
    QueueFull,
    UnexpectedOutput,
)
from service.limiter import Limiters
from service.predicting import Predicting
from service.routing.latencies import Latencies
from service.trace import Trace
from service.values import Deadline, Result, Upload, Wish

REASONS: dict[type[GatewayError], Reason] = {
    Overloaded: Reason.OVERLOADED,
    QueueFull: Reason.OVERLOADED,
    ModelBroken: Reason.BROKEN,
    ModelNotReady: Reason.BROKEN,
    BackendUnavailable: Reason.BROKEN,
    InferenceFailed: Reason.BROKEN,
    UnexpectedOutput: Reason.BROKEN,
    DeadlineExceeded: Reason.SLOW,
}
MARGIN = 1.5  # times its p95, which a fallback is left of the deadline
UNKNOWN_SHARE = 0.25  # of the deadline, that one is left of which nothing is known


class Fallback:
    """Asks the decision's choice, and then its fallbacks, in their order: a Predicting.

    One that is to take over needs time for it. So where a model may be passed over for slowness
    it has the deadline less what the next one takes, and is not asked at all when not even its
    median would fit.
    """

    def __init__(self, inner: Predicting, latencies: Latencies) -> None:
        self._inner = inner
        self._latencies = latencies

    async def predict(  # noqa: PLR0913 - what a prediction is made of
        self,
        decision: Decision,
        wish: Wish,
        upload: Upload,
        trace: Trace,
        deadline: Deadline,
        *,
        patient: bool = False,
    ) -> Result:
        """The first answer; the last failure where there is none."""
        while decision.fallbacks:
            choice = decision.choice
            own = self._deadline(decision, deadline)
            try:
                if own is None:
                    reason = Reason.SLOW
                else:
                    return await self._timed(decision, wish, upload, trace, own, patient=patient)
            except GatewayError as error:
                found = reason_of(error)
                if found not in decision.reasons or deadline.remaining_seconds() <= 0:
                    raise
                reason = found
            decision = passed_over(decision, trace, PassedOver(choice.model, trace.version, reason))
        return await self._timed(decision, wish, upload, trace, deadline, patient=patient)

    async def _timed(  # noqa: PLR0913 - as `predict`
        self,
        decision: Decision,
        wish: Wish,
        upload: Upload,
        trace: Trace,
        deadline: Deadline,
        *,
        patient: bool,
    ) -> Result:
        started = time.perf_counter()
        result = await self._inner.predict(decision, wish, upload, trace, deadline, patient=patient)
        self._latencies.observe(decision.choice.model, time.perf_counter() - started)
        return result

    def _deadline(self, decision: Decision, deadline: Deadline) -> Deadline | None:
        """By when the choice must have answered; None where it would not."""
        if Reason.SLOW not in decision.reasons:
            return deadline
        remaining = deadline.remaining_seconds()
        after = self._latencies.p95(decision.fallbacks[0].model)
        reserve = UNKNOWN_SHARE * remaining if after is None else MARGIN * after
        typical = self._latencies.p50(decision.choice.model) or 0.0
        if remaining - reserve > typical:
            return Deadline(deadline.at - reserve)
        return None if after is not None and after < remaining else deadline


def settle(limiters: Limiters, decision: Decision, trace: Trace) -> Decision:
    """The decision with the first model that would admit a request now as its choice.

    Where none would it is the last one, whose Limiter then refuses.
    """
    while decision.fallbacks and Reason.OVERLOADED in decision.reasons:
        choice = decision.choice
        try:
            limiters.of(choice.model).check()
        except Overloaded:
            one = PassedOver(choice.model, choice.version, Reason.OVERLOADED)
            decision = passed_over(decision, trace, one)
        else:
            break
    return decision


def passed_over(decision: Decision, trace: Trace, one: PassedOver) -> Decision:
    """The decision with its next fallback as the choice; ``trace`` remembers the one before."""
    routing = trace.routing or Routing.of(decision)
    routing.passed_over.append(one)
    trace.routing = routing
    choice, *others = decision.fallbacks
    trace.model, trace.version = choice.model, choice.version
    return replace(decision, choice=choice, fallbacks=tuple(others))


def reason_of(error: GatewayError) -> Reason | None:
    """Why a failure lets a fallback take over; None where the request itself is at fault."""
    return REASONS.get(type(error))
