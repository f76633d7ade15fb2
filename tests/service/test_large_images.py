"""Images that decode for long wait for each other, and nobody else is refused for their sake."""

import asyncio

import pytest

from tests.images import encode, quarters
from tests.service.client import gateway, predict

pytestmark = pytest.mark.anyio
LARGE = encode(quarters(1000, 400))  # 3.2 MB decoded
SETTINGS = {"max_decode_bytes": 10_000_000, "decode_threads": 2, "queue_seconds": 0}


async def test_large_ones_take_turns_instead_of_being_refused() -> None:
    async with gateway(**SETTINGS) as client:
        answers = await asyncio.gather(*(predict(client, LARGE) for _ in range(6)))
    assert [answer.status_code for answer in answers] == [200] * 6


async def test_a_turn_that_does_not_come_ends_with_the_deadline() -> None:
    async with gateway(**SETTINGS) as client:
        answers = await asyncio.gather(
            *(predict(client, LARGE, timeout_ms=timeout) for timeout in (5000, 1))
        )
    assert [answer.status_code for answer in answers] == [200, 504]
    assert answers[1].json()["stage"] in {"queue", "decode"}


async def test_a_small_one_is_admitted_beside_large_ones() -> None:
    async with gateway(**SETTINGS) as client:
        large = [asyncio.create_task(predict(client, LARGE)) for _ in range(4)]
        await asyncio.sleep(0)
        small = await predict(client)
        await asyncio.gather(*large)
    assert small.status_code == 200
