"""Which model `model=auto` picks, what it says of it, and that it does not flap."""

import random
from itertools import pairwise

import pytest

from contract.recipe import Task
from service.decision import Decision, Reason, Rule
from service.errors import BudgetTooSmall
from service.routing import incumbents
from service.routing.incumbents import HOLD_SECONDS, MOST
from service.routing.latencies import LEAST, OLDEST_SECONDS, Latencies
from service.routing.policy import TRIAL_SECONDS, AutoPolicy
from service.values import Policy, Wish
from tests.service.routing.models import Clock, Measured, choice, classifier, detector

LARGE = choice(classifier("large", 0.95, macs=900))
MIDDLE = choice(classifier("middle", 0.92, macs=300))
SMALL = choice(classifier("small", 0.85, macs=50))
UNKNOWN = choice(classifier("unknown", None, macs=None))
ALL = [LARGE, MIDDLE, SMALL, UNKNOWN]


class Chooser:
    """A policy over figures that a test sets."""

    def __init__(self, **seconds: float) -> None:
        self.clock, self.measured = Clock(), Measured(seconds)
        self.policy = AutoPolicy(self.measured, self.clock)

    def __call__(self, budget: float | None = None, policy=Policy.BEST, among=ALL) -> Decision:
        return self.policy.decide(Wish(budget_seconds=budget, policy=policy), among)

    def name(self, budget: float | None = None, policy=Policy.BEST, among=ALL) -> str:
        return self(budget, policy, among).choice.model


def mirrored(decision: Decision) -> list[str]:
    return [mirror.choice.model for mirror in decision.mirrors]


def test_the_most_accurate_that_fits_is_picked_and_the_answer_says_why() -> None:
    decide = Chooser(large=0.031, middle=0.0142, small=0.004)
    decision = decide(0.020)
    assert decision.choice is MIDDLE
    assert decision.rule is Rule.POLICY
    assert decision.why == (
        "most accurate of 4 within 20 ms: accuracy 0.920, p95 14.2 ms; "
        "1 was too slow; 1 is not measured yet"
    )
    assert decision.fallbacks == (SMALL,)
    assert decision.reasons == {Reason.OVERLOADED, Reason.BROKEN}
    assert mirrored(decision) == ["unknown"]
    assert decision.mirrors[0].shadow == "auto"


@pytest.mark.parametrize(
    ("budget", "picked"), [(0.05, "large"), (0.031, "large"), (0.03, "middle"), (0.004, "small")]
)
def test_the_budget_is_inclusive(budget: float, picked: str) -> None:
    assert Chooser(large=0.031, middle=0.0142, small=0.004).name(budget) == picked


def test_without_a_budget_the_most_accurate_answers_though_it_is_cold() -> None:
    decision = Chooser(small=0.004)()
    assert decision.choice is LARGE
    assert decision.why == "most accurate of 4: accuracy 0.950, not measured yet"
    assert decision.mirrors == ()


def test_one_without_a_figure_comes_after_all_that_have_one() -> None:
    decide = Chooser(unknown=0.001, small=0.004)
    assert decide.name(0.02, among=[UNKNOWN, SMALL]) == "small"
    assert Chooser(unknown=0.001)(0.02).why.startswith(
        "most accurate of 4 within 20 ms: accuracy unknown, p95 1 ms"
    )


def test_of_equally_accurate_ones_the_faster_is_picked() -> None:
    twin = choice(classifier("twin", 0.92))
    assert Chooser(middle=0.014, twin=0.009).name(0.02, among=[MIDDLE, twin]) == "twin"


def test_the_fastest_is_the_one_with_the_least_p95() -> None:
    decide = Chooser(large=0.03, middle=0.014, small=0.004)
    decision = decide(policy=Policy.FASTEST)
    assert decision.choice is SMALL
    assert decision.why == "fastest of 4: accuracy 0.850, p95 4 ms; 1 is not measured yet"
    assert decision.fallbacks == (MIDDLE, LARGE)
    with pytest.raises(BudgetTooSmall):
        Chooser(large=0.03, small=0.004)(0.003, Policy.FASTEST, [LARGE, SMALL])


def test_detectors_are_told_apart_by_their_precision() -> None:
    good, bad = choice(detector("good", 0.7)), choice(detector("bad", 0.6))
    decision = Chooser(good=0.01, bad=0.005)(0.02, among=[bad, good])
    assert decision.choice is good
    assert "AP 0.700" in decision.why


def test_cold_models_take_turns_in_shadow() -> None:
    decide = Chooser(small=0.004)
    seen = [mirrored(decide(0.02)) for _ in range(6)]
    assert sorted(seen) == [["large"]] * 2 + [["middle"]] * 2 + [["unknown"]] * 2


def test_where_all_are_cold_the_one_with_the_least_work_is_first() -> None:
    decide = Chooser()
    decision = decide(0.02)
    assert decision.choice is SMALL
    assert decision.why == "none of 4 is measured yet, so the one with the least work is first"
    assert decision.fallbacks == (MIDDLE, LARGE)
    shadows = [mirrored(decide(0.02)) for _ in range(3)]
    assert sorted(shadows) == [["large"], ["middle"], ["unknown"]]


def test_a_budget_that_none_fits_is_refused() -> None:
    with pytest.raises(BudgetTooSmall) as caught:
        Chooser(large=0.03, small=0.01424)(0.005, among=[LARGE, SMALL])
    assert caught.value.detail == (
        "no model's recent p95 is within 5 ms; the fastest, 'small', has 14.3 ms"
    )
    assert caught.value.members == {
        "field": "budget_ms",
        "remedy": "give 14.3 or more",
        "budget_ms": 5.0,
        "fastest_ms": 14.3,
        "fastest_model": "small",
    }


def test_the_budget_that_a_refusal_tells_is_enough() -> None:
    decide = Chooser(large=0.03, small=0.01424)
    with pytest.raises(BudgetTooSmall) as caught:
        decide(0.005, among=[LARGE, SMALL])
    assert decide.name(caught.value.members["fastest_ms"] / 1000, among=[LARGE, SMALL]) == "small"


def test_where_none_fits_a_cold_one_is_tried_once_a_second() -> None:
    decide = Chooser(large=0.03)
    among = [LARGE, MIDDLE, SMALL]
    tried = decide(0.005, among=among)
    assert tried.choice is SMALL
    assert tried.why.endswith("'small' is not measured yet and is tried once")
    assert mirrored(tried) == ["middle"]
    with pytest.raises(BudgetTooSmall) as caught:
        decide(0.005, among=among)
    assert caught.value.members["remedy"] == (
        "give 30 or more, or ask again soon: 2 are being measured"
    )
    decide.clock.now += TRIAL_SECONDS
    assert decide.name(0.005, among=among) == "small"


def test_models_of_which_none_fits_are_all_measured_in_a_while() -> None:
    clock = Clock()
    latencies = Latencies(clock)
    policy = AutoPolicy(latencies, clock)
    own = {"large": 0.03, "middle": 0.02, "small": 0.01}
    answered = refused = 0
    for _ in range(1000):
        clock.now += 0.1
        try:
            decision = policy.decide(Wish(budget_seconds=0.005), [LARGE, MIDDLE, SMALL])
        except BudgetTooSmall:
            refused += 1
            continue
        answered += 1
        for one in (decision.choice, *(mirror.choice for mirror in decision.mirrors)):
            latencies.observe(one.model, own[one.model])
    assert None not in (latencies.p95(name) for name in own)
    assert LEAST <= answered < 3 * LEAST
    assert answered + refused == 1000


def test_a_challenger_needs_a_margin_and_some_time() -> None:
    decide = Chooser(large=0.025, middle=0.01)
    among = [LARGE, MIDDLE]
    assert decide.name(0.02, among=among) == "middle"
    decide.clock.now += HOLD_SECONDS
    decide.measured.seconds["large"] = 0.0175
    decision = decide(0.02, among=among)
    assert decision.choice is MIDDLE
    assert decision.why == (
        "kept of 2 within 20 ms: accuracy 0.920, p95 10 ms; "
        "'large' (p95 17.5 ms) would be the most accurate, and takes over once that is clear"
    )
    decide.measured.seconds["large"] = 0.0169
    assert decide.name(0.02, among=among) == "large"
    decide.measured.seconds["large"] = 0.0201
    assert decide.name(0.02, among=among) == "middle", "one that exceeds the budget leaves at once"
    decide.measured.seconds["large"] = 0.0169
    decide.clock.now += HOLD_SECONDS - 0.1
    assert decide.name(0.02, among=among) == "middle"
    decide.clock.now += 0.1
    assert decide.name(0.02, among=among) == "large"


def test_whoever_replaces_one_that_left_has_a_margin_if_anybody_has() -> None:
    decide = Chooser(large=0.019, middle=0.018, small=0.005)
    assert decide.name(0.02) == "large"
    decide.measured.seconds["large"] = 0.021
    assert decide.name(0.02) == "small"
    lone = Chooser(large=0.019, middle=0.018)
    assert lone.name(0.02, among=[LARGE, MIDDLE]) == "large"
    lone.measured.seconds["large"] = 0.021
    assert lone.name(0.02, among=[LARGE, MIDDLE]) == "middle"


def test_a_faster_one_takes_over_when_it_is_faster_by_far() -> None:
    decide = Chooser(large=0.010, middle=0.012)
    among = [LARGE, MIDDLE]
    assert decide.name(policy=Policy.FASTEST, among=among) == "large"
    decide.clock.now += HOLD_SECONDS
    decide.measured.seconds["middle"] = 0.0086
    assert decide.name(policy=Policy.FASTEST, among=among) == "large"
    decide.measured.seconds["middle"] = 0.0084
    assert decide.name(policy=Policy.FASTEST, among=among) == "middle"


def test_budgets_have_an_incumbent_each_and_not_endlessly_many() -> None:
    decide = Chooser(large=0.025, middle=0.01)
    among = [LARGE, MIDDLE]
    for number in range(3 * MOST):
        assert decide.name(0.02 + number * 1e-9, among=among) == "middle"
    assert decide.name(0.03, among=among) == "large"
    assert len(decide.policy._incumbents._held) == MOST


def simulate(budget: float, among: list, own: dict[str, float], seconds: float = 600.0) -> list:
    """Who answers ten requests a second whose latencies tremble by an eighth."""
    noise, clock = random.Random(3), Clock()
    latencies = Latencies(clock)
    policy, names = AutoPolicy(latencies, clock), []
    for _ in range(int(seconds * 10)):
        clock.now += 0.1
        try:
            decision = policy.decide(Wish(budget_seconds=budget), among)
        except BudgetTooSmall:
            continue
        names.append(decision.choice.model)
        everyone = (decision.choice, *(mirror.choice for mirror in decision.mirrors))
        for one in everyone:
            trembling = own[one.model] * noise.lognormvariate(0, 0.125)
            latencies.observe(one.model, trembling)
        # Others ask the large one by name, so its figure stays fresh, and goes on trembling.
        latencies.observe("large", own["large"] * noise.lognormvariate(0, 0.125))
    return names


def switches(names: list) -> int:
    return sum(one != other for one, other in pairwise(names))


def test_a_p95_that_trembles_about_the_budget_does_not_flap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = {"large": 0.0161, "small": 0.005}  # p95 of the large one: some 0.0198
    calm = switches(simulate(0.0198, [LARGE, SMALL], own))
    monkeypatch.setattr(incumbents, "MARGIN", 1.0)
    monkeypatch.setattr(incumbents, "HOLD_SECONDS", 0.0)
    flapping = switches(simulate(0.0198, [LARGE, SMALL], own))
    assert calm <= 6
    assert flapping >= 5 * calm
    assert flapping >= 30


def test_two_equally_fast_ones_do_not_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    def changes() -> int:
        noise, decide, names = random.Random(5), Chooser(), []
        for _ in range(600):
            decide.clock.now += 1
            decide.measured.seconds = {
                name: 0.01 * noise.uniform(0.95, 1.05) for name in ("large", "middle")
            }
            names.append(decide.name(policy=Policy.FASTEST, among=[LARGE, MIDDLE]))
        return switches(names)

    assert changes() == 0
    monkeypatch.setattr(incumbents, "MARGIN", 1.0)
    monkeypatch.setattr(incumbents, "HOLD_SECONDS", 0.0)
    assert changes() > 200


def test_a_model_that_became_fast_again_comes_back_by_way_of_the_shadow() -> None:
    clock = Clock()
    latencies = Latencies(clock)
    policy = AutoPolicy(latencies, clock)
    own = {"large": 0.03, "small": 0.004}

    def ask(seconds: float) -> str:
        for _ in range(int(seconds)):
            clock.now += 1
            decision = policy.decide(Wish(budget_seconds=0.02), [LARGE, SMALL])
            for one in (decision.choice, *(mirror.choice for mirror in decision.mirrors)):
                latencies.observe(one.model, own[one.model])
        return decision.choice.model

    assert ask(60) == "small"
    own["large"] = 0.01
    assert ask(60) == "small", "its old figure is still in force"
    assert ask(OLDEST_SECONDS) == "large"


def test_tasks_are_tried_each_by_itself() -> None:
    found = choice(detector("slow")), choice(detector("cold"))
    decide = Chooser(slow=1.0, large=1.0)
    assert decide.name(0.02, among=[LARGE, SMALL]) == "small"
    assert decide.name(0.02, among=list(found)) == "cold"
    assert found[0].recipe.task is Task.DETECTION
