"""A cheaper model answers where the first cannot, and the answer's record says so."""

import asyncio
import dataclasses

import pytest

from contract.recipe import Task
from service import errors
from service.congestion import LEARNED
from service.decision import Decision, PassedOver, Reason, Routing, Rule
from service.errors import GatewayError
from service.fallback import MARGIN, REASONS, UNKNOWN_SHARE, Fallback, settle
from service.limiter import Limiters
from service.trace import Stage, Trace
from service.values import Choice, Deadline, Findings, Result, Upload, Wish
from tests.fakes import RECIPE

pytestmark = pytest.mark.anyio

FIRST, SECOND, THIRD = (Choice(name, "1", RECIPE) for name in ("first", "second", "third"))
UPLOAD = Upload(b"")


class Models:
    """A Predicting whose models fail as told, or take a while."""

    def __init__(self) -> None:
        self.failures: dict[str, GatewayError] = {}
        self.seconds: dict[str, float] = {}
        self.deadlines: dict[str, float] = {}  # seconds that each was given

    async def predict(
        self,
        decision: Decision,
        wish: Wish,  # noqa: ARG002
        upload: Upload,  # noqa: ARG002
        trace: Trace,
        deadline: Deadline,
        *,
        patient: bool = False,  # noqa: ARG002
    ) -> Result:
        model = decision.choice.model
        trace.model = model
        self.deadlines[model] = deadline.remaining_seconds()
        try:
            async with asyncio.timeout(deadline.remaining_seconds()):
                await asyncio.sleep(self.seconds.get(model, 0))
        except TimeoutError:
            raise errors.DeadlineExceeded(Stage.INFER) from None
        if model in self.failures:
            raise self.failures[model]
        return Result(
            model=model,
            version="1",
            task=Task.CLASSIFICATION,
            findings=Findings(labels=()),
            width=1,
            height=1,
        )


class Known:
    """Latencies that are told, and remembered."""

    def __init__(self, **seconds: float) -> None:
        self.seconds = seconds
        self.observed: list[str] = []

    def observe(self, model: str, seconds: float) -> None:  # noqa: ARG002
        self.observed.append(model)

    def p50(self, model: str) -> float | None:
        return self.seconds.get(model)

    p95 = p50


def decision(*fallbacks: Choice, reasons=frozenset(Reason)) -> Decision:
    return Decision(choice=FIRST, rule=Rule.ALIAS, fallbacks=fallbacks, reasons=reasons)


async def ask(models: Models, what: Decision, latencies=None, seconds: float = 5.0):
    trace = Trace("id", routing=Routing(what.rule))
    fallback = Fallback(models, latencies or Known())
    result = await fallback.predict(what, Wish(), UPLOAD, trace, Deadline.after(seconds))
    return result.model, trace.routing.passed_over


async def test_the_first_answers_where_it_can() -> None:
    latencies = Known()
    assert await ask(Models(), decision(SECOND), latencies) == ("first", [])
    assert latencies.observed == ["first"]


@pytest.mark.parametrize("kind", REASONS)
async def test_a_failure_of_the_model_is_passed_over(kind: type[GatewayError]) -> None:
    models = Models()
    failure = kind(Stage.INFER) if kind is errors.DeadlineExceeded else kind("no")
    models.failures["first"] = failure
    latencies = Known()
    answered = await ask(models, decision(SECOND), latencies)
    assert answered == ("second", [PassedOver("first", "", REASONS[kind])])
    assert latencies.observed == ["second"]


def test_every_failure_of_a_server_has_a_reason() -> None:
    """And none that is the caller's: another model would say the same."""
    kinds = [getattr(errors, name) for name in errors.__all__ if name[0].isupper()]
    server = {kind for kind in kinds if getattr(kind, "status", 0) >= 500}
    of_no_prediction = {
        errors.InternalError,
        errors.LoadFailed,
        errors.LoadTimeout,
        errors.NotReady,
    }
    assert server - of_no_prediction == set(REASONS)


async def test_a_fault_of_the_caller_is_not() -> None:
    models = Models()
    models.failures["first"] = errors.UnreadableImage("broken")
    with pytest.raises(errors.UnreadableImage):
        await ask(models, decision(SECOND))


async def test_reasons_that_were_not_asked_for_do_not_count() -> None:
    models = Models()
    models.failures["first"] = errors.ModelBroken("broken")
    with pytest.raises(errors.ModelBroken):
        await ask(models, decision(SECOND, reasons=frozenset({Reason.OVERLOADED})))


async def test_each_has_its_turn_and_the_last_failure_is_told() -> None:
    models = Models()
    models.failures = {
        "first": errors.Overloaded("full"),
        "second": errors.ModelBroken("broken"),
        "third": errors.ModelNotReady("loading"),
    }
    with pytest.raises(errors.ModelNotReady):
        await ask(models, decision(SECOND, THIRD))
    del models.failures["third"]
    model, passed_over = await ask(models, decision(SECOND, THIRD))
    assert model == "third"
    assert [(one.model, one.reason) for one in passed_over] == [
        ("first", Reason.OVERLOADED),
        ("second", Reason.BROKEN),
    ]


async def test_the_first_leaves_the_next_its_time() -> None:
    models = Models()
    models.seconds["first"] = 60
    model, (one,) = await ask(models, decision(SECOND), Known(second=0.2), seconds=0.4)
    assert model == "second"
    assert one.reason is Reason.SLOW
    assert models.deadlines["first"] == pytest.approx(0.4 - MARGIN * 0.2, abs=0.05)
    await ask(models, decision(SECOND), seconds=0.4)
    assert models.deadlines["first"] == pytest.approx(0.4 * (1 - UNKNOWN_SHARE), abs=0.05)


async def test_one_that_would_be_too_slow_is_not_even_asked() -> None:
    models = Models()
    answered = await ask(models, decision(SECOND), Known(first=3.0, second=0.1), seconds=1.0)
    assert answered == ("second", [PassedOver("first", "", Reason.SLOW)])
    assert "first" not in models.deadlines


async def test_where_neither_fits_the_better_one_has_all_the_time() -> None:
    models = Models()
    model, _ = await ask(models, decision(SECOND), Known(first=3.0, second=3.0), seconds=1.0)
    assert model == "first"
    assert models.deadlines["first"] == pytest.approx(1.0, abs=0.05)


async def test_an_overloaded_model_is_passed_over_before_the_body_is_read() -> None:
    limiters = Limiters(64, queue_seconds=0, target_seconds=0.1)
    trace = Trace("id", routing=Routing(Rule.ALIAS))
    assert settle(limiters, decision(SECOND), trace).choice is FIRST
    limiter = limiters.of("first")
    for _ in range(LEARNED):
        async with limiter.admit(Deadline.after(1)):
            await asyncio.sleep(0.02)
    limiter.in_flight = 64  # as many as there may ever be
    waiting = asyncio.create_task(limiter.admit(Deadline.after(1), patient=True).__aenter__())
    await asyncio.sleep(0)
    settled = settle(limiters, decision(SECOND), trace)
    assert settled.choice is SECOND
    assert settled.fallbacks == ()
    assert trace.model == "second"
    assert trace.routing.passed_over == [PassedOver("first", "1", Reason.OVERLOADED)]
    others = dataclasses.replace(decision(SECOND), reasons=frozenset({Reason.BROKEN}))
    assert settle(limiters, others, trace).choice is FIRST
    waiting.cancel()
