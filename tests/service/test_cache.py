"""The response cache: who is answered from memory, who computes, who waits for whom."""

import asyncio
import gc
import tracemalloc
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from contract.recipe import Card, Recipe, Task
from service.cache import Cache
from service.cache.cache import INLINE_BYTES
from service.cache.key import Key, Question
from service.cache.sizes import ENTRY, size
from service.cache.store import Store
from service.catalog import Catalog
from service.decision import Cached, Decision, PassedOver, Reason, Routing, Rule
from service.errors import BackendUnavailable, DeadlineExceeded, UnreadableImage
from service.pool import Pool
from service.predictor import READERS
from service.trace import Stage, Trace
from service.values import (
    Box,
    Choice,
    ClassMap,
    Deadline,
    Detection,
    Findings,
    Label,
    Mask,
    Result,
    Upload,
    Wish,
)
from tests.fakes import RECIPE, FakeBackend, FakeModel, recipe
from tests.images import jpeg
from tests.service.client import JPEG, gateway, predict

pytestmark = pytest.mark.anyio
A, B = Upload(b"one image"), Upload(b"another")
PLENTY = 1 << 20


def carded(weights: str) -> Recipe:
    card = Card(
        architecture="MobileNetV2", attention="simam", parameters=1, data="signs", epochs=1,
        trained_on=None, weights_sha256=weights,
    )  # fmt: skip
    return recipe(card=card)


def result(model: str = "signs", version: str = "1", labels: int = 1, **changes: Any) -> Result:
    findings = Findings(labels=tuple(Label("x", i, float(i)) for i in range(labels)))
    made = Result(
        model=model, version=version, task=Task.CLASSIFICATION, findings=findings, width=1, height=1
    )
    return replace(made, **changes)


@dataclass
class Inner:
    """A Predicting that answers each of ``outcomes`` in turn, and then the choice's model."""

    outcomes: list[Result | Exception] = field(default_factory=list)
    seconds: float = 0.0
    asked: list[Upload] = field(default_factory=list)
    running: int = 0
    most_running: int = 0
    meanwhile: Callable[[Trace], None] = lambda _: None

    async def predict(
        self,
        decision: Decision,
        wish: Wish,  # noqa: ARG002
        upload: Upload,
        trace: Trace,
        deadline: Deadline,
        *,
        patient: bool = False,  # noqa: ARG002
    ) -> Result:
        self.asked.append(upload)
        number = len(self.asked)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            async with asyncio.timeout(deadline.remaining_seconds()):
                await asyncio.sleep(self.seconds)
        except TimeoutError as error:
            raise DeadlineExceeded.of(trace) from error
        finally:
            self.running -= 1
        self.meanwhile(trace)
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if isinstance(outcome, Exception):
            raise outcome
        choice = decision.choice
        return outcome or result(choice.model, choice.version or "1", width=number)


class Fixture:
    """A cache over an Inner, and the Triton that its catalogue looks at."""

    def __init__(self, inner: Inner, pool: Pool, most_bytes: int) -> None:
        self.inner = inner
        self.backend = FakeBackend({"signs": FakeModel(), "other": FakeModel()})
        self.catalog = Catalog(self.backend, READERS.keys())
        self.cache = Cache(inner, most_bytes, self.catalog, pool)
        self.last = Trace("-")

    async def ask(
        self,
        upload: Upload = A,
        *,
        version: str = "",
        model: str = "signs",
        fallbacks: Sequence[str] = (),
        given: Recipe = RECIPE,
        seconds: float = 30,
        **wishes: Any,
    ) -> tuple[Cached | None, Result]:
        """What the cache did, and what it answered."""
        trace = self.last = Trace("-", routing=Routing(Rule.NAME))
        others = tuple(Choice(name, "", RECIPE) for name in fallbacks)
        decision = Decision(choice=Choice(model, version, given), rule=Rule.NAME, fallbacks=others)
        deadline = Deadline.after(seconds)
        answered = await self.cache.predict(decision, Wish(**wishes), upload, trace, deadline)
        assert trace.routing is not None
        assert (trace.model, trace.version) == (answered.model, answered.version) or (
            trace.routing.cache is Cached.MISS  # then they are the inner one's to write
        )
        return trace.routing.cache, answered

    async def serve(self, name: str = "signs", **changes: Any) -> None:
        """The model changes, and the catalogue learns of it."""
        self.backend.models[name] = replace(self.backend.models[name], **changes)
        await self.catalog.refresh()


@asynccontextmanager
async def caching(most_bytes: int = PLENTY, **inner: Any) -> AsyncIterator[Fixture]:
    pool = Pool(1, PLENTY)
    fixture = Fixture(Inner(**inner), pool, most_bytes)
    await fixture.catalog.refresh()
    try:
        yield fixture
    finally:
        pool.close()


async def settled(tasks: Sequence[asyncio.Task[Any]]) -> list[Any]:
    return await asyncio.gather(*tasks, return_exceptions=True)


async def begun(*questions: Any) -> list[asyncio.Task[Any]]:
    """Tasks that wait for an inference, or for each other, in their order."""
    tasks = []
    for question in questions:
        tasks.append(asyncio.ensure_future(question))
        await asyncio.sleep(0)
    return tasks


async def test_the_second_time_is_a_hit() -> None:
    async with caching() as on:
        first, answered = await on.ask()
        second, again = await on.ask()
        assert (first, second) == (Cached.MISS, Cached.HIT)
        assert again is answered
        assert on.last.stage is None
        assert len(on.inner.asked) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"upload": B},
        {"model": "other"},
        {"top_k": 2},
        {"class_maps": True},
        {"score_threshold": 0.5},
        {"max_detections": 3},
        {"render": True},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_what_changes_the_answer_is_another_question(change: dict[str, Any]) -> None:
    async with caching() as on:
        await on.ask()
        assert (await on.ask(**change))[0] is Cached.MISS
        assert (await on.ask())[0] is Cached.HIT


async def test_what_does_not_change_the_answer_is_the_same_question() -> None:
    async with caching() as on:
        await on.ask()
        for same in ({"version": "1"}, {"truth": "x"}, {"route_key": "k"}, {"fallbacks": ["f"]}):
            assert (await on.ask(**same))[0] is Cached.HIT


@pytest.mark.parametrize("length", [1, INLINE_BYTES + 1])
async def test_one_byte_makes_another_image(length: int) -> None:
    async with caching() as on:
        await on.ask(Upload(bytes(length)))
        assert (await on.ask(Upload(bytes(length))))[0] is Cached.HIT
        assert (await on.ask(Upload(bytes(length - 1) + b"1")))[0] is Cached.MISS


async def test_each_version_has_its_own_answers() -> None:
    async with caching() as on:
        await on.serve(versions=("1", "2"))
        await on.ask(version="1")
        cached, answered = await on.ask(version="2")
        assert (cached, answered.version) == (Cached.MISS, "2")


async def test_an_answer_belongs_to_the_version_that_gave_it() -> None:
    async with caching(outcomes=[result(version="2")]) as on:
        await on.serve(versions=("1", "2"))
        await on.ask(version="1")  # Triton's answer says otherwise
        assert (await on.ask())[0] is Cached.HIT
        assert (await on.ask(version="1"))[0] is Cached.MISS


async def test_a_new_version_forgets_the_model_and_no_other() -> None:
    async with caching() as on:
        await on.ask()
        await on.ask(model="other")
        await on.serve(versions=("1", "2"))
        assert (await on.ask(model="other"))[0] is Cached.HIT
        assert on.cache.entries == 1
        assert (await on.ask(version="1"))[0] is Cached.MISS


async def test_other_weights_under_the_same_version_forget_the_model() -> None:
    async with caching() as on:
        await on.serve(recipe=carded("a"))
        await on.ask(given=carded("a"))
        await on.catalog.refresh()  # an equal recipe, decoded anew
        assert (await on.ask(given=carded("a")))[0] is Cached.HIT
        await on.serve(recipe=carded("b"))
        assert (await on.ask(given=carded("b")))[0] is Cached.MISS


async def test_a_model_that_was_loaded_is_asked_anew_though_it_looks_the_same() -> None:
    async with caching() as on:
        await on.ask()
        await on.ask(model="other")
        await on.catalog.refresh(loaded="signs")
        assert (await on.ask())[0] is Cached.MISS
        assert (await on.ask(model="other"))[0] is Cached.HIT


async def test_a_model_that_was_away_is_asked_anew() -> None:
    async with caching() as on:
        await on.ask()
        await on.serve(versions=())
        assert (await on.ask())[0] is Cached.MISS  # chosen before it went
        assert on.cache.entries == 0
        await on.serve(versions=("1",))
        assert (await on.ask())[0] is Cached.MISS
        assert (await on.ask())[0] is Cached.HIT


async def test_an_answer_of_what_the_model_was_is_not_kept() -> None:
    async with caching(seconds=0.01) as on:
        tasks = await begun(on.ask())
        await on.serve(versions=("1", "2"))
        await on.serve(versions=("1",))  # as it was, and yet perhaps another
        newcomers = await begun(on.ask())
        ((old, _),) = await settled(tasks)
        ((new, answered),) = await settled(newcomers)
        assert (old, new) == (Cached.MISS, Cached.MISS)
        assert (await on.ask()) == (Cached.HIT, answered)
        assert on.cache.entries == 1


async def test_a_choice_whose_recipe_is_outdated_is_not_kept() -> None:
    async with caching() as on:
        await on.serve(recipe=carded("b"))
        await on.ask(given=carded("a"))
        assert on.cache.entries == 0


async def test_whoever_wants_it_fresh_has_it_computed_for_all() -> None:
    async with caching() as on:
        await on.ask()
        cached, fresh = await on.ask(fresh=True)
        assert cached is Cached.MISS
        assert (await on.ask()) == (Cached.HIT, fresh)


async def test_failures_are_not_remembered() -> None:
    async with caching(outcomes=[UnreadableImage("broken")]) as on:
        with pytest.raises(UnreadableImage):
            await on.ask()
        assert (await on.ask())[0] is Cached.MISS


async def test_a_fallbacks_answer_is_not_the_models() -> None:
    async with caching(outcomes=[result("other")]) as on:
        await on.ask(fallbacks=["other"])
        assert (await on.ask())[0] is Cached.MISS


async def test_a_thousand_at_once_are_one_inference() -> None:
    async with caching(seconds=0.02) as on:
        answers = await asyncio.gather(*(on.ask() for _ in range(1000)))
        assert len(on.inner.asked) == 1
        assert {id(answered) for _, answered in answers} == {id(answers[0][1])}
        assert [cached for cached, _ in answers].count(Cached.SHARED) == 999


async def test_the_next_takes_over_from_one_who_leaves() -> None:
    async with caching(seconds=0.01) as on:
        leader, *others = await begun(*(on.ask() for _ in range(4)))
        others[1].cancel()
        leader.cancel()
        answers = await settled([leader, *others])
        assert [type(answer) for answer in answers[::2]] == [asyncio.CancelledError] * 2
        assert [answer[0] for answer in answers[1::2]] == [Cached.MISS, Cached.SHARED]
        assert (len(on.inner.asked), on.inner.most_running) == (2, 1)


async def test_one_whose_turn_it_is_just_when_he_leaves_passes_it_on() -> None:
    async with caching(seconds=0.01) as on:
        leader, heir, third = await begun(*(on.ask() for _ in range(3)))
        leader.cancel()
        asyncio.get_running_loop().call_soon(heir.cancel)  # who has been told, and has not run
        answers = await settled([leader, heir, third])
        assert isinstance(answers[1], asyncio.CancelledError)
        assert answers[2][0] is Cached.MISS


async def test_a_failure_is_the_leaders_own_and_the_rest_do_not_rush() -> None:
    failures: list[Result | Exception] = [BackendUnavailable("away"), BackendUnavailable("away")]
    async with caching(seconds=0.01, outcomes=failures) as on:
        answers = await asyncio.gather(*(on.ask() for _ in range(50)), return_exceptions=True)
        assert sum(isinstance(answer, BackendUnavailable) for answer in answers) == 2
        assert (len(on.inner.asked), on.inner.most_running) == (3, 1)


async def test_an_image_that_cannot_be_read_is_told_to_all() -> None:
    broken = UnreadableImage("broken", field="file")
    async with caching(seconds=0.01, outcomes=[broken]) as on:
        answers = await asyncio.gather(*(on.ask() for _ in range(10)), return_exceptions=True)
        assert len(on.inner.asked) == 1
        assert {type(answer) for answer in answers} == {UnreadableImage}
        assert all(answer.members == broken.members for answer in answers)
        assert len(set(map(id, answers))) == 10  # each has its own traceback


async def test_each_has_a_deadline_of_his_own() -> None:
    async with caching(seconds=0.05) as on:
        tasks = await begun(on.ask(seconds=0.02), on.ask(seconds=0.01), on.ask())
        leader, hurried, patient = await settled(tasks)
        assert isinstance(leader, DeadlineExceeded)
        assert isinstance(hurried, DeadlineExceeded)
        assert hurried.members["stage"] == Stage.QUEUE.value
        assert patient[0] is Cached.MISS
        assert len(on.inner.asked) == 2


async def test_a_fallbacks_answer_is_shared_among_those_who_have_that_fallback() -> None:
    def passes_over(trace: Trace) -> None:
        assert trace.routing is not None
        trace.routing.passed_over.append(PassedOver("signs", "", Reason.BROKEN))

    answer = [result("other"), result("signs")]
    async with caching(seconds=0.01, outcomes=answer, meanwhile=passes_over) as on:
        tasks = await begun(on.ask(fallbacks=["other"]), on.ask(), on.ask(fallbacks=["other"]))
        traces = on.last
        first, plain, second = await settled(tasks)
        assert (first[1].model, second[1].model, plain[1].model) == ("other", "other", "signs")
        assert (plain[0], second[0]) == (Cached.MISS, Cached.SHARED)
        assert traces.routing is not None
        assert [one.model for one in traces.routing.passed_over] == ["signs"]


def key(number: int) -> Key:
    return Key(number.to_bytes(32), "signs", "1", 0, Question(None, False, None, None, False))


def test_the_store_keeps_to_its_bound_and_forgets_the_least_recently_used() -> None:
    store = Store(3 * size(result()))
    for number in range(3):
        store.put(key(number), result())
    assert store.get(key(0)) is not None
    store.put(key(3), result())
    assert [store.get(key(number)) is not None for number in range(4)] == [True, False, True, True]
    store.put(key(4), result(labels=4))  # takes the place of some
    assert store.held_bytes == size(result(labels=4)) + (len(store) - 1) * size(result())
    assert store.held_bytes <= 3 * size(result())


def test_what_is_larger_than_the_store_is_not_kept_and_drives_nothing_out() -> None:
    store = Store(2 * ENTRY)
    store.put(key(0), result())
    store.put(key(1), result(picture=bytes(2 * ENTRY)))
    assert store.get(key(1)) is None
    assert store.get(key(0)) is not None


def test_what_is_put_again_is_counted_once() -> None:
    store = Store(PLENTY)
    for labels in (5, 1):
        store.put(key(0), result(labels=labels))
    assert (store.held_bytes, len(store)) == (size(result()), 1)
    store.drop("signs")
    assert (store.held_bytes, len(store)) == (0, 0)


def nothing(_: int) -> Findings:
    return Findings()


def labelled(number: int) -> Findings:
    return Findings(labels=tuple(Label("x", 300 + i, number + i / 7) for i in range(50)))


def mapped(number: int) -> Findings:
    maps = np.full((1, 3, 7, 7), number, np.float32)
    labels = tuple(Label("x", 300 + i, number + i / 7) for i in range(3))
    both = zip(labels, maps[0], strict=True)
    return Findings(labels=labels, class_maps=tuple(ClassMap(one, part) for one, part in both))


def boxed(number: int) -> Findings:
    return Findings(
        detections=tuple(
            Detection(
                Label("x", 300 + i, number + i / 7),
                Box(number + i / 3, number + i / 5, number + i / 9, number + i / 11),
            )
            for i in range(20)
        )
    )


def masked(number: int) -> Findings:
    """Two of twenty objects, whose masks Triton sent in one piece."""
    grids = np.full((1, 20, 28, 28), number, np.float32)[0]
    return Findings(
        detections=tuple(
            Detection(
                Label("x", 300 + i, number + i / 7),
                Box(number + 0.1, number + 0.2, number + 0.3, number + 0.4),
                Mask(
                    grid=grids[i],
                    frame=(number + 0.5, number + 0.6, number + 0.7, number + 0.8),
                    counts=f"{number:0100}{i}",
                ),
            )
            for i in range(2)
        )
    )


@pytest.mark.parametrize("findings", [nothing, labelled, mapped, boxed, masked])
def test_the_estimate_is_what_a_result_weighs(findings: Callable[[int], Findings]) -> None:
    count = 300
    store = Store(1 << 30)
    gc.collect()
    tracemalloc.start()
    try:
        for number in range(count):
            store.put(key(number + 1000), result(findings=findings(number + 1000)))
        gc.collect()
        weighed, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 0.85 < weighed / store.held_bytes < 1.02


async def test_answers_tell_what_the_cache_did() -> None:
    asked = FakeBackend()
    async with gateway(asked, cache_bytes=PLENTY) as client:
        first, second = [await predict(client) for _ in range(2)]
        forced = await client.post(
            "/predict", content=jpeg(), headers=JPEG | {"cache-control": "no-cache"}
        )
        images = [("file", jpeg(20, 10)), ("file", jpeg()), ("file", jpeg(20, 10))]
        batch = (await client.post("/predict", files=images)).json()["results"]
    assert [one.json()["routing"]["cache"] for one in (first, second, forced)] == [
        "miss", "hit", "miss",
    ]  # fmt: skip
    assert [one["answer"]["routing"]["cache"] for one in batch] == ["miss", "hit", "shared"]
    assert "cache=hit" in second.headers["x-routing"]
    assert list(second.json()["timings_ms"]) == ["read", "total"]
    same = first.json().keys() - {"routing", "timings_ms", "request_id"}
    assert {name: first.json()[name] for name in same} == {
        name: second.json()[name] for name in same
    }
    assert len(asked.tensors) == 3


async def test_pictures_are_remembered_too() -> None:
    asked = FakeBackend()
    async with gateway(asked, cache_bytes=PLENTY) as client:
        first, second = [await predict(client, render=True) for _ in range(2)]
    assert first.content == second.content
    assert "cache=hit" in second.headers["x-routing"]


async def test_without_memory_for_it_there_is_no_cache() -> None:
    asked = FakeBackend()
    async with gateway(asked) as client:
        answers = [await predict(client) for _ in range(2)]
    assert "cache" not in answers[1].json().get("routing", {})
    assert len(asked.tensors) == 2
