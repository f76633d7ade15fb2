"""Candidates are off the requests' way: nothing waits for them, and they wait for everything."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from contract.recipe import Task
from service.errors import InferenceFailed, Overloaded
from service.routing.spec import AUTO, Routes
from service.shadow import mirror
from service.shadow.tryout import TIMED_EVERY
from service.shadow.watcher import Cause
from service.values import Wish
from tests.service.shadow.answers import choice, sees
from tests.service.shadow.rig import ROUTE, Models, Rig, routes
from tests.service.virtual_time import clock, run


def rigged(test: Callable[[Rig], Awaitable[None]], **changes: Any) -> Rig:
    """The rig after ``test`` ran on it, in no time."""

    async def main() -> Rig:
        rig = Rig(**changes)
        async with rig.running():
            await test(rig)
        return rig

    return run(main())


async def one(rig: Rig) -> None:
    """One request, and time for its candidate."""
    await rig.ask()
    await asyncio.sleep(10)


def test_no_request_waits_for_a_candidate_that_hangs() -> None:
    async def test(rig: Rig) -> None:
        for _ in range(20):
            began = clock()
            assert await rig.ask() == sees("left", "old")
            assert clock() - began == pytest.approx(0.01)

    hanging = Models({"new": sees("left", "new")}, {"new": 60.0, "old": 60.0})
    assert rigged(test, candidates=hanging).candidates.most == 1


def test_a_candidate_is_asked_for_all_of_its_answer_and_compared() -> None:
    async def test(rig: Rig) -> None:
        await rig.ask(wish=Wish(top_k=1, class_maps=True, render=True, score_threshold=0.3))
        await asyncio.sleep(1)

    rig = rigged(test)
    assert {model for model, *_ in rig.candidates.asked} == {"old", "new"}
    for _, wish, trace, patient in rig.candidates.asked:
        assert wish == Wish(score_threshold=0.3)
        assert (trace.request_id, patient) == ("r-1", False)
    assert rig.trial.tally.compared == 1
    assert (str(rig.trial.pair.primary), str(rig.trial.pair.candidate)) == ("old@1", "new@1")
    assert rig.watcher.told == [("compared", ROUTE, True), ("verdict", ROUTE, "hold")]


def test_a_request_that_failed_has_no_mirror() -> None:
    async def test(rig: Rig) -> None:
        with pytest.raises(InferenceFailed):
            await rig.ask()
        await asyncio.sleep(1)

    assert rigged(test, primaries=Models({"old": InferenceFailed("no")})).candidates.asked == []


def test_what_comes_while_too_many_wait_is_dropped() -> None:
    async def test(rig: Rig) -> None:
        rig.idle = lambda: False
        for _ in range(40):
            await rig.ask()

    rig = rigged(test)
    assert rig.dropped == {Cause.FULL: 40 - mirror.MOST_WAITING - 1}  # one is out of the queue
    assert rig.watcher.told == [("dropped", ROUTE, Cause.FULL)] * 7


def test_files_that_wait_are_bounded_in_bytes_and_leave_room_when_they_go() -> None:
    async def test(rig: Rig) -> None:
        for _ in range(2):
            rig.idle = lambda: False
            for _ in range(5):
                await rig.ask(b"x" * (mirror.MOST_BYTES // 3))
            rig.idle = lambda: True
            await asyncio.sleep(1)

    rig = rigged(test)
    assert rig.trial.tally.compared == 8  # three that wait, and one whose turn it is
    assert rig.dropped == {Cause.FULL: 2}


def test_a_candidate_runs_only_while_no_prediction_is_present() -> None:
    async def test(rig: Rig) -> None:
        rig.idle = lambda: clock() > 3
        await rig.ask()
        await asyncio.sleep(2.9)
        assert rig.candidates.asked == []
        await asyncio.sleep(0.2)

    assert rigged(test).trial.tally.compared == 1


def test_one_whose_time_never_comes_is_dropped() -> None:
    async def test(rig: Rig) -> None:
        rig.idle = lambda: False
        await rig.ask()
        await asyncio.sleep(mirror.WAIT_SECONDS + 1)

    assert rigged(test).dropped == {Cause.BUSY: 1}


def test_one_whose_turn_comes_too_late_is_dropped() -> None:
    async def test(rig: Rig) -> None:
        await rig.ask()
        await rig.ask()
        await asyncio.sleep(20)

    seconds = {"new": mirror.WAIT_SECONDS * 0.6, "old": mirror.WAIT_SECONDS * 0.6}
    rig = rigged(test, candidates=Models({n: sees("left", n) for n in seconds}, seconds))
    assert rig.dropped == {Cause.LATE: 1}


def test_candidates_get_their_share_of_the_time_and_no_more() -> None:
    async def test(rig: Rig) -> None:
        for _ in range(2000):
            await rig.ask()
            await asyncio.sleep(0.49)

    busy = {"new": 0.1, "old": 0.1}
    rig = rigged(
        test,
        candidates=Models({name: sees("left", name) for name in busy}, busy),
        routes=routes(busy=0.04),
    )
    spent = 0.1 * len(rig.candidates.asked)
    assert spent == pytest.approx(5 + 0.04 * 1000, rel=0.02)  # a burst, and its share of 1000 s
    assert set(rig.dropped) == {Cause.BUDGET}
    assert rig.dropped[Cause.BUDGET] + rig.trial.tally.compared == 2000


def test_of_every_fourth_image_both_models_are_timed_in_either_order() -> None:
    random.seed(1)

    async def test(rig: Rig) -> None:
        for _ in range(40):
            await one(rig)

    candidates = Models({n: sees("left", n) for n in ("old", "new")}, {"old": 0.02, "new": 0.03})
    rig = rigged(test, candidates=candidates)
    tally = rig.trial.tally
    assert tally.primary_seconds.count == tally.candidate_seconds.count == 40 / TIMED_EVERY
    assert tally.primary_seconds.total == pytest.approx(0.02 * 10)
    assert tally.candidate_seconds.total == pytest.approx(0.03 * 10)
    first = [model for model, *_ in candidates.asked]
    assert len(first) == 50
    orders = {tuple(first[start : start + 2]) for start in range(0, 50, 5)}
    assert orders == {("old", "new"), ("new", "old")}


def test_the_candidates_latency_is_observed_and_the_primarys_is_not() -> None:
    rig = rigged(one)
    assert rig.observed == [("new", pytest.approx(0.01))]


def test_a_failure_of_the_candidate_is_counted_and_stays_its_own() -> None:
    rig = rigged(one, candidates=Models({"new": InferenceFailed("no"), "old": sees("left", "old")}))
    assert (rig.trial.tally.errors, rig.trial.tally.compared) == (1, 0)
    assert rig.watcher.told[0] == ("failed", ROUTE, "inference-failed")
    assert rig.observed == []


def test_a_fault_of_ours_is_logged_and_the_next_image_has_its_turn(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def test(rig: Rig) -> None:
        await one(rig)
        rig.candidates.answers["new"] = sees("left", "new")
        await one(rig)

    rig = rigged(test, candidates=Models({"new": KeyError(), "old": sees("left", "old")}))
    assert (rig.trial.tally.errors, rig.trial.tally.compared) == (1, 1)
    assert "a candidate could not be asked" in caplog.text


def test_a_primary_that_cannot_be_timed_is_no_failure_of_the_candidate() -> None:
    rig = rigged(one, candidates=Models({"old": InferenceFailed("no"), "new": sees("left", "new")}))
    assert (rig.trial.tally.errors, rig.trial.tally.compared) == (0, 1)
    assert rig.trial.tally.primary_seconds.count == 0


def test_a_model_that_has_no_place_sheds_candidates_first() -> None:
    full = Overloaded("full", retry_after_seconds=1, limit=1, queued=1)
    rig = rigged(one, candidates=Models({"new": full, "old": sees("left", "old")}))
    assert rig.dropped == {Cause.BUSY: 1}
    assert rig.shadows.record(ROUTE).trials == {}


def test_a_failure_belongs_to_the_version_that_answered_before() -> None:
    async def test(rig: Rig) -> None:
        await one(rig)
        rig.candidates.answers["new"] = InferenceFailed("no")
        await one(rig)

    assert rigged(test).trial.tally.errors == 1


def test_a_new_version_of_either_begins_a_new_tally() -> None:
    async def test(rig: Rig) -> None:
        await one(rig)
        rig.candidates.answers["new"] = sees("left", "new", "2")
        await one(rig)
        rig.primaries.answers["old"] = sees("left", "old", "7")
        await one(rig)

    trials = rigged(test).shadows.record(ROUTE).trials.values()
    assert [(str(one.pair.primary), str(one.pair.candidate)) for one in trials] == [
        ("old@1", "new@1"),
        ("old@1", "new@2"),
        ("old@7", "new@2"),
    ]
    assert [one.tally.compared for one in trials] == [1, 1, 1]


def test_of_many_versions_the_oldest_trials_go() -> None:
    async def test(rig: Rig) -> None:
        for version in range(1, 12):
            rig.candidates.answers["new"] = sees("left", "new", str(version))
            await one(rig)

    versions = [pair.candidate.version for pair in rigged(test).shadows.record(ROUTE).trials]
    assert versions == [str(version) for version in range(4, 12)]


def test_the_primary_may_be_a_fallback_and_is_then_the_one_compared_with() -> None:
    async def test(rig: Rig) -> None:
        await rig.ask(choice=choice("away"), fallbacks=(choice("old"),))
        await asyncio.sleep(1)

    primaries = Models({"away": sees("left", "old")})  # as a Fallback answers
    assert rigged(test, primaries=primaries).trial.pair.primary.model == "old"


@pytest.mark.parametrize("version", ["", "1"])
def test_no_candidate_is_compared_with_itself(version: str) -> None:
    async def test(rig: Rig) -> None:
        await rig.ask(mirrors=rig.mirror(choice("old", version)))
        await asyncio.sleep(1)

    assert rigged(test).candidates.asked == []


def test_a_candidate_of_another_task_is_not_asked() -> None:
    async def test(rig: Rig) -> None:
        answer = replace(sees("left", "old"), task=Task.DETECTION)
        rig.primaries.answers["old"] = answer
        await one(rig)

    assert rigged(test).candidates.asked == []


@pytest.mark.parametrize(
    ("truth", "labelled", "won", "lost"),
    [(None, 0, 0, 0), ("left", 1, 0, 1), ("straight", 1, 1, 0), ("no_parking", 1, 0, 0),
     ("lefft", 0, 0, 0)],
)  # fmt: skip
def test_the_truth_tells_who_was_right(truth, labelled, won, lost) -> None:
    async def test(rig: Rig) -> None:
        rig.candidates.answers["new"] = sees("straight", "new")
        await rig.ask(wish=Wish(truth=truth))
        await asyncio.sleep(1)

    tally = rigged(test).trial.tally
    assert (tally.labelled, tally.won, tally.lost) == (labelled, won, lost)


@pytest.mark.parametrize("keep_images", [True, False])
def test_answers_that_differ_are_kept_for_a_person_to_look_at(keep_images: bool) -> None:
    async def test(rig: Rig) -> None:
        await one(rig)
        rig.candidates.answers["new"] = sees("straight", "new")
        await rig.ask(b"two", wish=Wish(truth="left"))
        await asyncio.sleep(1)

    rig = rigged(test, routes=routes(keep_images=keep_images))
    (case,) = rig.shadows.record(ROUTE).disagreements
    assert (case.number, case.request_id, case.truth) == (1, "r-1", "left")
    labels = [result.findings.labels[0].name for result in (case.primary, case.candidate)]
    assert labels == ["left", "straight"]
    assert (case.picture.data if case.picture else None) == (b"two" if keep_images else None)


def test_a_shadow_that_has_gone_is_not_shown_anything_and_is_forgotten() -> None:
    async def test(rig: Rig) -> None:
        await one(rig)
        rig.idle = lambda: False
        await rig.ask()
        rig.routes = Routes()
        rig.idle = lambda: True
        await asyncio.sleep(1)
        await one(rig)

    rig = rigged(test)
    assert len(rig.candidates.asked) == 2  # both models, of the first image
    assert dict(rig.shadows.settings) == {}
    assert rig.shadows.record(ROUTE).trials == {}


def test_images_are_forgotten_when_they_may_no_longer_be_kept() -> None:
    async def test(rig: Rig) -> None:
        rig.candidates.answers["new"] = sees("straight", "new")
        await one(rig)
        rig.routes = routes(keep_images=False)
        assert rig.shadows.settings[ROUTE].keep_images is False

    (case,) = rigged(test, routes=routes(keep_images=True)).shadows.record(ROUTE).disagreements
    assert case.picture is None


def test_of_a_cold_model_of_the_policy_only_the_latency_is_noted() -> None:
    async def test(rig: Rig) -> None:
        await rig.ask(mirrors=rig.mirror(choice("new"), AUTO))
        await asyncio.sleep(1)

    rig = rigged(test)
    assert rig.observed == [("new", pytest.approx(0.01))]
    assert [model for model, *_ in rig.candidates.asked] == ["new"]
    assert rig.shadows.record(AUTO).trials == {}
    assert rig.watcher.told == []


def test_closing_drops_what_waits_and_stops_what_runs() -> None:
    async def main() -> None:
        rig = Rig(candidates=Models({}, {"new": 60.0, "old": 60.0}))
        task = asyncio.create_task(rig.mirrored.run())
        for _ in range(3):
            await rig.ask()
        assert rig.candidates.running == 1
        rig.mirrored.close()
        await asyncio.wait([task], timeout=1)
        assert task.cancelled()
        assert (rig.candidates.running, len(rig.candidates.asked)) == (0, 1)

    run(main())
