"""Who gets a place, who waits and who is refused; in virtual time, so that nothing really waits."""

import asyncio
import math
import time

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from service import congestion
from service.congestion import LEARNED
from service.errors import DeadlineExceeded, GatewayError, Overloaded, UnreadableImage, answer
from service.limiter import Limiter, Limiters
from service.trace import Stage
from service.values import Deadline
from tests.service.virtual_time import clock, run

NEVER = Deadline(1e9)


@pytest.fixture(autouse=True)
def four_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(congestion, "INITIAL", 4)  # few enough to count


def limiters(max_in_flight: int = 64, queue_seconds: float = 0.1) -> Limiters:
    return Limiters(max_in_flight, queue_seconds, target_seconds=0.25, clock=clock)


async def work(limiter: Limiter, seconds: float, failure: Exception | None = None) -> None:
    async with limiter.admit(NEVER):
        await asyncio.sleep(seconds)
        if failure is not None:
            raise failure


async def learned(seconds: float = 0.01, **settings) -> Limiter:
    """A Limiter that has seen predictions of ``seconds``, and takes four at once."""
    limiter = limiters(**settings).of("signs")
    for _ in range(LEARNED):
        await work(limiter, seconds)
    assert limiter.limit == 4
    return limiter


def start(count: int, limiter: Limiter, seconds: float = 0.01) -> list[asyncio.Task[None]]:
    return [asyncio.create_task(work(limiter, seconds)) for _ in range(count)]


def test_the_first_prediction_of_a_model_is_alone() -> None:
    async def main() -> None:
        limiter = limiters().of("signs")
        tasks = start(3, limiter)
        await asyncio.sleep(0.005)
        assert (limiter.in_flight, limiter.queued) == (1, 2)
        await asyncio.gather(*tasks)
        assert (limiter.in_flight, limiter.limit) == (0, 4)

    run(main())


def test_of_a_new_model_nobody_is_refused_however_slow_its_first_prediction() -> None:
    async def main() -> None:
        limiter = limiters().of("signs")
        tasks = start(1, limiter, 2.0) + start(40, limiter, 0.15)
        await asyncio.gather(*tasks)
        assert limiter.shed == 0
        with pytest.raises(Overloaded):  # it is known by now
            await asyncio.gather(*start(40, limiter, 0.15))

    run(main())


def test_those_who_wait_are_served_in_order_and_nobody_overtakes() -> None:
    async def main() -> None:
        limiter, order = await learned(), []

        async def numbered(number: int) -> None:
            async with limiter.admit(NEVER):
                order.append(number)
                await asyncio.sleep(0.01)

        async with asyncio.TaskGroup() as group:
            for number in range(8):
                group.create_task(numbered(number))
            await asyncio.sleep(0.01)  # the first four have just left, the next four are let in
            group.create_task(numbered(8))
        assert order == list(range(9))

    run(main())


def test_no_more_are_in_flight_than_the_limit() -> None:
    async def main() -> int:
        limiter, most = await learned(), 0

        async def watched() -> None:
            nonlocal most
            async with limiter.admit(NEVER):
                most = max(most, limiter.in_flight)
                await asyncio.sleep(0.001)

        await asyncio.gather(*(watched() for _ in range(9)))
        return most

    assert run(main()) == 4


def test_a_newcomer_that_would_wait_too_long_is_refused_at_once() -> None:
    async def main() -> None:
        limiter = await learned(0.1)  # one of four leaves every 25 ms: four wait 100 ms
        tasks = start(9, limiter, 0.1)
        await asyncio.sleep(0)
        assert (limiter.in_flight, limiter.queued, limiter.shed) == (4, 4, 1)
        before = clock()
        with pytest.raises(Overloaded) as refusal:
            limiter.check()
        assert clock() == before
        assert refusal.value.members == {"limit": 4, "queued": 4}
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert [isinstance(outcome, Overloaded) for outcome in outcomes] == [False] * 8 + [True]

    run(main())


def test_while_the_queue_stands_only_the_next_may_wait() -> None:
    async def main() -> None:
        limiter = await learned(0.1)
        tasks = start(9, limiter, 0.1)  # the ninth is refused
        await asyncio.sleep(0.101)
        assert (limiter.in_flight, limiter.queued) == (4, 0)
        tasks += start(2, limiter, 0.1)
        await asyncio.sleep(0)
        assert (limiter.queued, limiter.shed) == (1, 2)
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(1)  # long enough without a refusal
        tasks = start(8, limiter, 0.1)
        await asyncio.sleep(0)
        assert (limiter.queued, limiter.shed) == (4, 2)
        await asyncio.gather(*tasks)

    run(main())


def test_a_turn_that_does_not_come_is_given_up() -> None:
    async def main() -> None:
        limiter = await learned()
        stuck = start(4, limiter, 60)
        await asyncio.sleep(0)
        began = clock()
        with pytest.raises(Overloaded, match="in time"):
            await work(limiter, 0)
        assert clock() - began == pytest.approx(0.2, abs=0.01)
        assert limiter.queued == 0
        await asyncio.gather(*stuck)

    run(main())


def test_nobody_waits_beyond_the_deadline() -> None:
    async def main() -> None:
        limiter = await learned()
        stuck = start(4, limiter, 60)
        await asyncio.sleep(0)
        began = clock()
        with pytest.raises(Overloaded):
            async with limiter.admit(Deadline(began + 0.03)):
                pass
        assert clock() - began == pytest.approx(0.03, abs=0.001)
        await asyncio.gather(*stuck)

    run(main())


def test_the_images_of_a_batch_that_was_let_in_wait_as_long_as_they_must() -> None:
    async def main() -> None:
        limiter = await learned(0.1)
        ends = Deadline(clock() + 0.35)

        async def image() -> None:
            async with limiter.admit(ends, patient=True):
                await asyncio.sleep(0.1)

        outcomes = await asyncio.gather(*(image() for _ in range(30)), return_exceptions=True)
        refused = [isinstance(outcome, Overloaded) for outcome in outcomes]
        assert refused == sorted(refused)  # in their order
        assert 16 <= refused.count(False) <= 20  # four turns of four or, once it has grown, more
        assert clock() <= ends.at + 0.1

    run(main())


@pytest.mark.parametrize("after", [0, 0.004, 0.01], ids=["waiting", "later", "as its turn comes"])
def test_who_leaves_the_queue_leaves_no_hole(after: float) -> None:
    async def main() -> None:
        limiter = await learned()
        tasks = start(6, limiter)
        await asyncio.sleep(after)
        tasks[4].cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(outcomes[4], asyncio.CancelledError)
        assert outcomes[5] is None
        assert (limiter.in_flight, limiter.queued) == (0, 0)
        async with asyncio.timeout(0.015):  # all places are there
            await asyncio.gather(*start(4, limiter))

    run(main())


def test_a_place_that_comes_in_the_moment_of_giving_up_is_passed_on() -> None:
    async def main() -> None:
        limiter = await learned()
        start(4, limiter, 0.2)  # ends exactly when the patience of those who wait does
        await asyncio.sleep(0)
        waiting = start(3, limiter)
        await asyncio.gather(*waiting, return_exceptions=True)
        await asyncio.sleep(1)
        assert (limiter.in_flight, limiter.queued) == (0, 0)

    run(main())


def test_retry_after_grows_with_those_who_were_told_to_come_back() -> None:
    async def main() -> list[int]:
        limiter = await learned(0.4)  # ten a second
        return [int(limiter.overloaded("").retry_after_seconds or 0) for _ in range(1000)]

    seconds = run(main())
    assert seconds[0] == 1
    assert 4 <= seconds[50] <= 6  # its turn is in five seconds, up to a quarter less
    assert max(seconds) == 30
    assert len(set(seconds[400:])) > 3  # they do not all come back together


def test_a_refusal_takes_less_than_a_millisecond() -> None:
    async def main() -> float:
        limiter = await learned(0.1)
        tasks = start(8, limiter, 0.1)
        await asyncio.sleep(0)
        took = []
        for _ in range(200):
            began = time.perf_counter()
            with pytest.raises(Overloaded):
                await work(limiter, 0)
            took.append(time.perf_counter() - began)
        await asyncio.gather(*tasks)
        return sorted(took)[100]

    assert run(main()) < 0.001


@pytest.mark.parametrize(
    ("failure", "falls"),
    [(DeadlineExceeded(Stage.INFER), True), (Overloaded(""), True), (UnreadableImage(""), False)],
    ids=lambda value: type(value).__name__,
)
def test_only_what_is_lost_to_congestion_lowers_the_limit(failure: GatewayError, falls) -> None:
    async def main() -> None:
        limiter = await learned()
        tasks = [asyncio.create_task(work(limiter, 0.01, failure)) for _ in range(4)]
        await asyncio.gather(*tasks, return_exceptions=True)
        assert limiter.limit == (2 if falls else 4)  # once for all four

    run(main())


def test_a_timeout_around_the_request_lowers_the_limit_and_a_caller_that_leaves_does_not() -> None:
    async def one(limiter: Limiter, deadline: Deadline) -> None:
        async with limiter.admit(deadline):
            await asyncio.sleep(60)

    async def main() -> None:
        limiter = await learned()
        for deadline, limit in ((NEVER, 4), (Deadline(clock() + 1), 2)):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1):
                    await one(limiter, deadline)
            assert limiter.limit == limit

    run(main())


def test_the_cap_holds_for_all_models_together_and_while_bodies_are_read() -> None:
    async def main() -> None:
        both = limiters(max_in_flight=2)
        with both.enter("signs"), both.enter("faces"):
            with pytest.raises(Overloaded, match="2 predictions"), both.enter("faces"):
                pass
            assert both.present == 2
            assert both.of("faces").shed == 1
        with both.enter("faces"):
            assert both.present == 1
        assert both.present == 0

    run(main())


def test_a_body_is_not_read_for_a_model_that_is_full() -> None:
    async def main() -> None:
        all_models = limiters()
        limiter = all_models.of("signs")
        for _ in range(LEARNED):
            await work(limiter, 0.1)
        tasks = start(8, limiter, 0.1)
        await asyncio.sleep(0)
        with pytest.raises(Overloaded), all_models.enter("signs"):
            pytest.fail("entered")
        with all_models.enter("faces"):  # another model is free
            pass
        await asyncio.gather(*tasks)

    run(main())


def test_an_overloaded_model_answers_503_with_its_numbers_and_leaves_the_body_unread() -> None:
    async def main() -> None:
        all_models, bodies = limiters(), []

        async def predict(request):
            with all_models.enter("signs") as limiter:
                bodies.append(await request.body())
                await work(limiter, 0.1)
            return PlainTextResponse("a sign")

        async def refuse(request, error: GatewayError):
            return answer(error, "/predict", "id")

        app = Starlette(
            routes=[Route("/predict", predict, methods=["POST"])],
            exception_handlers={GatewayError: refuse},
        )
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            for _ in range(LEARNED):
                await client.post("/predict", content=b"alone")
            many = await asyncio.gather(*(client.post("/predict", content=b"x") for _ in range(30)))
        refused = [response for response in many if response.status_code == 503]
        assert len(many) - len(refused) == 8  # four in flight, four waiting
        assert len(bodies) == LEARNED + 8
        assert refused[0].headers["retry-after"] == "1"
        assert refused[0].json()["type"] == "urn:fovea:problem:overloaded"
        assert (refused[0].json()["limit"], refused[0].json()["queued"]) == (4, 4)

    run(main())


def test_idle_is_since_the_last_one_left() -> None:
    now = 10.0
    limiters = Limiters(64, queue_seconds=0, target_seconds=0.1, clock=lambda: now)
    assert limiters.idle_seconds() == math.inf
    with limiters.enter("signs"), limiters.enter("other"):
        assert limiters.idle_seconds() == 0
    now = 10.5
    assert limiters.idle_seconds() == 0.5
    with limiters.enter("signs"):
        now = 11.0
        assert limiters.idle_seconds() == 0
    assert limiters.idle_seconds() == 0
