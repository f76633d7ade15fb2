"""From a wish to a decision: names, defaults, routes, forced targets, fallbacks and shadows."""

import random
from collections import Counter

import pytest

from contract.recipe import Task
from service import errors
from service.catalog import Catalog
from service.decision import Decision, PassedOver, Reason, Rule
from service.routing.router import Router
from service.values import Model, Policy, Wish
from tests.fakes import FakeBackend
from tests.service.routing.models import (
    LABELS,
    Clock,
    File,
    Measured,
    away,
    classifier,
    detector,
    file,
    known,
)

SIMAM = classifier("simam", 0.93, versions=("1", "2"), maps=True)
CBAM = classifier("cbam", 0.92)
PLAIN = classifier("plain", 0.88)
RETINA = detector("retina")
ALL = (SIMAM, CBAM, PLAIN, RETINA)
SPLIT = {"to": {"simam@1": 90, "cbam": 10}, "fallback": ["plain"]}


def router(routes: File | None = None, models: tuple[Model, ...] = ALL, **seconds: float) -> Router:
    chance = random.Random(11)
    return Router(known(*models), routes or file(), Measured(seconds), Clock(), chance)


def ask(routes: File | None = None, models: tuple[Model, ...] = ALL, **wish) -> Decision:
    return router(routes, models).decide(Wish(**wish))


def names(choices) -> list[str]:
    return [f"{one.model}@{one.version}" if one.version else one.model for one in choices]


# --- by name


def test_a_model_is_asked_by_its_name() -> None:
    decision = ask(model="simam", version="2")
    assert names([decision.choice]) == ["simam@2"]
    assert decision == Decision(choice=decision.choice, rule=Rule.NAME)


def test_a_route_wins_over_a_model_of_its_name_but_not_where_a_version_is_named() -> None:
    routes = file(routes={"simam": {"to": "cbam"}})
    aliased = ask(routes, model="simam")
    assert (aliased.choice.model, aliased.rule, aliased.route) == ("cbam", Rule.ALIAS, "simam")
    itself = ask(routes, model="simam", version="2")
    assert (names([itself.choice]), itself.rule, itself.route) == (["simam@2"], Rule.NAME, "")


def test_a_version_of_a_route_is_refused() -> None:
    with pytest.raises(errors.InvalidParameter, match="'signs' is a route") as caught:
        ask(file(routes={"signs": SPLIT}), model="signs", version="1")
    assert caught.value.members["field"] == "version"


def test_an_unknown_name_is_told_what_there_is_and_what_was_perhaps_meant() -> None:
    with pytest.raises(errors.UnknownModel) as caught:
        ask(file(routes={"signs": SPLIT}), model="sings")
    members = caught.value.members
    assert members["models"] == [model.name for model in ALL]
    assert members["routes"] == ["signs"]
    assert members["remedy"].startswith("perhaps 'signs' is meant")
    with pytest.raises(errors.UnknownModel) as caught:
        ask(model="xyz")
    assert caught.value.members["remedy"] == "use one of the names in `models`"
    assert "routes" not in caught.value.members


def test_nothing_is_decided_before_triton_has_told_its_models() -> None:
    empty = Router(Catalog(FakeBackend(), set(Task)), file(), Measured())
    for wish in (Wish(), Wish(model="simam"), Wish(model="auto")):
        with pytest.raises(errors.BackendUnavailable):
            empty.decide(wish)


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        (away("simam"), errors.ModelNotReady),
        (Model(name="simam", versions=("1",), reason="no recipe"), errors.ModelNotServable),
    ],
)
def test_a_model_that_cannot_be_asked_says_why(model: Model, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="simam"):
        ask(models=(model, CBAM), model="simam")


def test_an_unknown_version_is_told_the_ready_ones() -> None:
    with pytest.raises(errors.UnknownVersion) as caught:
        ask(model="simam", version="7")
    assert caught.value.members["versions"] == ["1", "2"]


# --- by default


def test_the_default_of_the_task_answers_where_none_is_named() -> None:
    routes = file(
        defaults={"classification": "signs", "detection": "retina"}, routes={"signs": SPLIT}
    )
    classified = ask(routes, task=Task.CLASSIFICATION)
    assert (classified.rule, classified.route) == (Rule.DEFAULT, "signs")
    detected = ask(routes, task=Task.DETECTION)
    assert (detected.choice.model, detected.rule, detected.route) == ("retina", Rule.DEFAULT, "")
    with pytest.raises(errors.ModelNotNamed):
        ask(routes)


def test_a_lone_default_needs_no_task() -> None:
    routes = file(defaults={"classification": "cbam"})
    assert ask(routes).choice.model == "cbam"
    assert ask(routes, task=Task.DETECTION).choice.model == "retina"


def test_the_only_model_of_the_task_needs_no_default() -> None:
    assert ask(task=Task.DETECTION).choice.model == "retina"
    assert ask(models=(CBAM, away("x"))).rule is Rule.DEFAULT


def test_several_models_and_no_default_are_too_many() -> None:
    with pytest.raises(errors.ModelNotNamed) as caught:
        ask(task=Task.CLASSIFICATION)
    assert caught.value.members["models"] == ["simam", "cbam", "plain"]


def test_a_default_may_be_the_policy() -> None:
    decision = ask(file(defaults={"classification": "auto"}))
    assert (decision.choice.model, decision.rule) == ("simam", Rule.POLICY)


def test_a_default_that_triton_does_not_know_is_no_fault_of_the_callers() -> None:
    with pytest.raises(errors.ModelNotReady, match="'gone', which is the default"):
        ask(file(defaults={"classification": "gone"}))


# --- by weight


def test_weights_are_kept_to() -> None:
    asked = router(file(routes={"signs": SPLIT}))
    counts = Counter(asked.decide(Wish(model="signs")).choice.model for _ in range(5000))
    # Four standard deviations of the binomial: one in 16 000 seeds would fail, this one does not.
    assert abs(counts["cbam"] - 500) < 4 * (5000 * 0.1 * 0.9) ** 0.5


def test_equal_keys_get_equal_targets_and_different_ones_their_share() -> None:
    asked = router(file(routes={"signs": {"to": {"simam": 1, "cbam": 1}}}))

    def model(key: str) -> str:
        decision = asked.decide(Wish(model="signs", route_key=key))
        assert decision.rule is Rule.STICKY
        return decision.choice.model

    first = [model(f"caller-{n}") for n in range(400)]
    assert [model(f"caller-{n}") for n in range(400)] == first
    assert abs(first.count("cbam") - 200) < 4 * 10


def test_what_is_not_ready_gets_no_traffic() -> None:
    routes = file(routes={"signs": {"to": {"simam@9": 90, "gone": 5, "cbam": 1, "plain": 0}}})
    asked = router(routes)
    decisions = [asked.decide(Wish(model="signs")) for _ in range(200)]
    assert {decision.choice.model for decision in decisions} == {"cbam"}
    assert {decision.rule for decision in decisions} == {Rule.WEIGHT}


def test_where_no_target_is_ready_a_fallback_takes_over_and_says_so() -> None:
    routes = file(routes={"signs": SPLIT | {"fallback": ["gone", "plain", "retina"]}})
    decision = ask(routes, (away("simam"), PLAIN, RETINA), model="signs")
    assert decision.choice.model == "plain"
    assert decision.fallbacks == ()
    assert decision.why == (
        "no target of the route 'signs' is ready: model 'simam': no version of it is loaded; "
        "there is no model 'cbam'; a fallback takes over"
    )
    assert decision.passed_over == (
        PassedOver("simam", "1", Reason.BROKEN),
        PassedOver("cbam", "", Reason.BROKEN),
    )


@pytest.mark.parametrize(
    "route",
    [
        {"to": SPLIT["to"]},
        {"to": SPLIT["to"] | {"plain": 0}},
        SPLIT | {"fallback_when": ["slow"]},
    ],
)
def test_where_nobody_is_ready_or_may_take_over_the_reasons_are_told(route: dict) -> None:
    with pytest.raises(errors.ModelNotReady, match=r"'simam': no version.*no model 'cbam'"):
        ask(file(routes={"signs": route}), (away("simam"), PLAIN), model="signs")


def test_new_weights_hold_at_once() -> None:
    routes = file(routes={"signs": {"to": {"simam": 1, "cbam": 0}}})
    asked = router(routes)
    assert asked.decide(Wish(model="signs")).choice.model == "simam"
    routes.current = file(routes={"signs": {"to": {"simam": 0, "cbam": 1}}}).current
    assert asked.decide(Wish(model="signs")).choice.model == "cbam"


# --- forced


@pytest.mark.parametrize("target", ["simam@1", "cbam", "plain", "simam@2"])
def test_a_target_can_be_forced_whatever_its_weight(target: str) -> None:
    route = {"to": {"simam@1": 1, "cbam": 0}, "fallback": ["plain"]}
    routes = file(routes={"signs": route | {"shadow": {"to": "simam@2", "share": 1}}})
    decision = ask(routes, model="signs", target=target)
    assert names([decision.choice]) == [target]
    assert (decision.rule, decision.fallbacks, decision.mirrors) == (Rule.FORCED, (), ())


def test_other_targets_are_refused_and_the_right_ones_listed() -> None:
    with pytest.raises(errors.InvalidParameter) as caught:
        ask(file(routes={"signs": SPLIT}), model="signs", target="simam")
    assert caught.value.members["field"] == "target"
    assert caught.value.members["targets"] == ["simam@1", "cbam", "plain"]


@pytest.mark.parametrize("model", ["cbam", "auto"])
def test_only_a_route_has_targets(model: str) -> None:
    with pytest.raises(errors.InvalidParameter) as caught:
        ask(model=model, task=Task.CLASSIFICATION, target="cbam")
    assert caught.value.members["field"] == "target"


def test_a_forced_target_that_is_not_ready_is_not_replaced() -> None:
    with pytest.raises(errors.ModelNotReady, match="no model 'cbam'"):
        ask(file(routes={"signs": SPLIT}), (SIMAM, PLAIN), model="signs", target="cbam")


# --- beside the choice


def test_fallbacks_are_those_that_could_answer() -> None:
    others = ["cbam", "gone", "retina", "plain", "simam@1"]
    routes = file(
        routes={"signs": {"to": {"cbam": 1, "x": 1}, "fallback": others, "fallback_when": ["slow"]}}
    )
    decision = ask(routes, model="signs")
    assert names(decision.fallbacks) == ["plain", "simam@1"]
    assert decision.reasons == {Reason.SLOW}
    of_maps = file(routes={"signs": {"to": "simam", "fallback": ["plain"]}})
    assert ask(of_maps, model="signs", class_maps=True).fallbacks == ()


def test_a_version_that_is_the_newest_is_no_fallback_of_its_own_model() -> None:
    routes = file(routes={"signs": {"to": "simam", "fallback": ["simam@2", "simam@1"]}})
    assert names(ask(routes, model="signs").fallbacks) == ["simam@1"]


@pytest.mark.parametrize("key", [None, "caller"])
def test_a_share_of_requests_is_mirrored_sticky_ones_too(key: str | None) -> None:
    asked = router(file(routes={"signs": SPLIT | {"shadow": {"to": "plain", "share": 0.2}}}))
    mirrors = [asked.decide(Wish(model="signs", route_key=key)).mirrors for _ in range(2000)]
    chosen = [mirror for one in mirrors for mirror in one]
    assert abs(len(chosen) - 400) < 4 * (2000 * 0.2 * 0.8) ** 0.5
    assert {(mirror.shadow, mirror.choice.model) for mirror in chosen} == {("signs", "plain")}


@pytest.mark.parametrize("shadow", ["gone", "retina", "simam@2"])
def test_a_shadow_that_cannot_be_compared_sees_nothing(shadow: str) -> None:
    route = {"to": "simam", "shadow": {"to": shadow, "share": 1}}
    assert ask(file(routes={"signs": route}), model="signs").mirrors == ()


# --- what the chosen model can answer


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"model": "retina", "top_k": 1}, "top_k"),
        ({"model": "cbam", "class_maps": True}, "class_map"),
        ({"model": "cbam", "score_threshold": 0.5}, "score_threshold"),
        ({"model": "cbam", "task": Task.DETECTION}, "task"),
        ({"model": "signs", "task": Task.DETECTION}, "task"),
        ({"model": "signs", "max_detections": 5}, "max_detections"),
        ({"model": "signs", "target": "cbam", "max_detections": 5}, "max_detections"),
        ({"model": "retina", "truth": "left"}, "truth"),
        ({"model": "signs", "truth": "up"}, "truth"),
        ({"model": "auto", "task": Task.CLASSIFICATION, "version": "1"}, "version"),
        ({"model": "auto", "task": Task.CLASSIFICATION, "truth": "up"}, "truth"),
    ],
)
def test_what_the_model_cannot_answer_is_the_callers_error(wish: dict, field: str) -> None:
    with pytest.raises(errors.InvalidParameter) as caught:
        ask(file(routes={"signs": SPLIT}), **wish)
    assert caught.value.members["field"] == field


def test_a_wrong_truth_is_told_the_labels() -> None:
    with pytest.raises(errors.InvalidParameter) as caught:
        ask(model="cbam", truth="up")
    assert caught.value.members["labels"] == list(LABELS)
    assert ask(model="cbam", truth="left").choice.model == "cbam"


# --- by policy


def test_auto_chooses_among_all_trained_models_of_the_task() -> None:
    untrained = classifier("fresh", untrained=True, card=None)
    asked = router(None, (*ALL, untrained, away("x")), simam=0.03, cbam=0.02, plain=0.01, fresh=0.0)
    auto = Wish(model="auto", task=Task.CLASSIFICATION, budget_seconds=0.02)
    assert asked.decide(auto).choice.model == "cbam"
    fastest = Wish(model="auto", task=Task.CLASSIFICATION, policy=Policy.FASTEST)
    assert asked.decide(fastest).choice.model == "plain"


def test_the_file_may_say_whom_auto_chooses_among() -> None:
    routes = file(auto={"classification": {"models": ["plain", "cbam", "gone", "retina"]}})
    decision = ask(routes, model="auto", task=Task.CLASSIFICATION)
    assert (decision.choice.model, names(decision.fallbacks)) == ("cbam", ["plain"])


def test_where_none_of_those_is_ready_the_reasons_are_told() -> None:
    untrained = classifier("fresh", untrained=True, card=None)
    routes = file(auto={"classification": {"models": ["gone", "retina", "fresh"]}})
    with pytest.raises(errors.ModelNotReady) as caught:
        ask(routes, (RETINA, untrained), model="auto", task=Task.CLASSIFICATION)
    assert caught.value.detail == (
        "auto has no model for classification: there is no model 'gone'; "
        "model 'retina' does detection; model 'fresh' is untrained"
    )


def test_models_that_differ_in_their_labels_are_not_compared() -> None:
    other = classifier("other", 0.99, labels=("cat", "dog"))
    with pytest.raises(errors.ModelNotNamed, match="differ in their labels") as caught:
        ask(models=(CBAM, other), model="auto")
    assert "[auto.classification]" in caught.value.members["remedy"]
    route = {"to": {"other": 0, "gone": 1, "cbam": 1}}
    for default in ("cbam", "signs"):
        routes = file(defaults={"classification": default}, routes={"signs": route})
        assert ask(routes, (CBAM, PLAIN, other), model="auto").choice.model == "cbam"


def test_auto_without_any_model_of_the_task_says_so() -> None:
    with pytest.raises(errors.ModelNotNamed, match="no trained model for detection"):
        ask(models=(CBAM,), model="auto", task=Task.DETECTION)
    with pytest.raises(errors.ModelNotReady):
        ask(models=(away("x"),), model="auto")


def test_auto_needs_the_task_where_several_are_served() -> None:
    with pytest.raises(errors.TaskNotNamed) as caught:
        ask(model="auto")
    assert caught.value.members["tasks"] == ["classification", "detection"]
    assert ask(models=(CBAM, PLAIN), model="auto").choice.model == "cbam"


def test_auto_leaves_out_who_cannot_answer_the_wish() -> None:
    decision = ask(
        file(), (CBAM, classifier("maps", 0.5, maps=True)), model="auto", class_maps=True
    )
    assert decision.choice.model == "maps"
    assert decision.fallbacks == ()


def test_changes_of_models_and_of_the_file_are_noticed() -> None:
    catalog, routes = known(CBAM, PLAIN, SIMAM), file()
    asked = Router(catalog, routes, Measured(), Clock())
    assert asked.decide(Wish(model="auto")).choice.model == "simam"
    routes.current = file(auto={"classification": {"models": ["plain", "cbam"]}}).current
    assert asked.decide(Wish(model="auto")).choice.model == "cbam"
    catalog.models = known(PLAIN).models
    assert asked.decide(Wish(model="auto")).choice.model == "plain"


@pytest.mark.parametrize(
    ("wish", "field"),
    [({"budget_seconds": 0.02}, "budget_ms"), ({"policy": Policy.FASTEST}, "policy")],
)
def test_a_budget_is_for_the_policy_alone(wish: dict, field: str) -> None:
    with pytest.raises(errors.InvalidParameter) as raised:
        ask(model="simam", **wish)
    assert raised.value.members["field"] == field
    assert ask(model="auto", task=Task.CLASSIFICATION, **wish).rule is Rule.POLICY
