"""Token buckets: how many at once, how many a second, and what is remembered of whom."""

import random

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from service import rates
from service.errors import RateLimited, answer
from service.rates import Rates, caller_address


class Clock:
    """A monotonic clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 1e6  # as after days of uptime

    def __call__(self) -> float:
        return self.now


def buckets(per_second: float = 2, burst: int = 5) -> tuple[Rates, Clock]:
    clock = Clock()
    return Rates(per_second, burst, clock), clock


def taken(limit: Rates, count: int, caller: str = "a") -> int:
    return sum(limit.take(caller) is None for _ in range(count))


def test_after_a_rest_the_whole_burst_is_there_and_then_one_at_a_time() -> None:
    limit, clock = buckets()
    assert taken(limit, 20) == 5
    clock.now += 0.5
    assert taken(limit, 20) == 1
    clock.now += 1
    assert taken(limit, 20) == 2
    clock.now += 3600
    assert taken(limit, 20) == 5


def test_a_refusal_tells_exactly_when_the_next_token_comes_and_costs_none() -> None:
    limit, clock = buckets()
    taken(limit, 5)
    clock.now += 0.2
    for _ in range(100):
        assert limit.take("a") == pytest.approx(0.3)
    clock.now += 0.3
    assert limit.take("a") is None


def test_each_caller_has_a_bucket_of_its_own() -> None:
    limit, _ = buckets()
    assert taken(limit, 20, "a") == taken(limit, 20, "b") == 5


def test_it_equals_a_bucket_that_counts_tokens() -> None:
    limit, clock = buckets(per_second=3, burst=4)
    chance, tokens = random.Random(5), 4.0
    for _ in range(5000):
        pause = chance.expovariate(4)
        clock.now += pause
        tokens = min(4.0, tokens + 3 * pause)
        assert (limit.take("a") is None) == (tokens >= 1)
        tokens -= tokens >= 1


def test_who_has_rested_is_forgotten() -> None:
    limit, clock = buckets()
    for number in range(1000):
        limit.take(str(number))
    clock.now += 0.5  # all their buckets are full again
    for _ in range(600):
        limit.take("a")
        clock.now += 0.5
    assert len(limit) == 1


def test_memory_is_bounded_and_the_least_recent_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "MOST_CALLERS", 100)
    limit, _ = buckets()
    taken(limit, 5, "polite")
    taken(limit, 5, "greedy")
    for number in range(98):
        limit.take(str(number))
    assert limit.take("greedy")
    limit.take("one more")
    assert len(limit) == 100
    assert limit.take("greedy")
    assert limit.take("polite") is None  # forgotten, which is in its favour


@pytest.mark.anyio
async def test_the_answer_carries_the_policy_and_the_wait() -> None:
    limit, _ = buckets(per_second=0.4, burst=3)

    async def predict(request):
        limit.check(caller_address(request.scope))
        return PlainTextResponse("a sign")

    async def refuse(request, error: RateLimited):
        return answer(error, "/predict", "id")

    app = Starlette(routes=[Route("/predict", predict)], exception_handlers={RateLimited: refuse})
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        responses = [await client.get("/predict") for _ in range(4)]
    assert [response.status_code for response in responses] == [200, 200, 200, 429]
    response = responses[3]
    assert response.json()["type"] == "urn:fovea:problem:rate-limited"
    assert response.headers["retry-after"] == "3"  # 2.5 s, rounded up
    assert response.headers["ratelimit-policy"] == '"caller";q=3;w=8'
    assert response.headers["ratelimit"] == '"caller";r=0;t=3'


@pytest.mark.parametrize(
    ("client", "caller"),
    [
        (("192.0.2.7", 5), "192.0.2.7"),
        (("::ffff:192.0.2.7", 5), "192.0.2.7"),
        (("2001:db8:1:2:3:4:5:6", 5), "2001:db8:1:2::/64"),
        (("2001:db8:1:2:ffff::1", 5), "2001:db8:1:2::/64"),
        (("fe80::1%eth0", 5), "fe80::/64"),
        (("/run/gateway.sock", None), "/run/gateway.sock"),
        (None, ""),
    ],
)
def test_a_caller_is_an_address_or_an_ipv6_site(client, caller: str) -> None:
    assert caller_address({"type": "http", "client": client}) == caller
