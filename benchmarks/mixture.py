"""Requests as the world sends them: good ones, broken ones, and callers that leave."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass

from benchmarks.load.http import Callers, request_bytes
from benchmarks.load.samples import NO_ANSWER, OK, REFUSED
from benchmarks.photograph import photograph

MOST_WAIT_SECONDS = 0.02  # of a caller that leaves


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One sort of request, and the answers that are right for it besides a refusal."""

    name: str
    weight: int
    request: bytes
    right: frozenset[int]
    leaves: bool = False  # before the answer, sometimes before its body is sent


def kinds(model: str) -> list[Kind]:
    """Four in five good, one in ten bad, one in ten given up."""
    path = f"/predict?model={model}"
    large, small = photograph(), photograph(64, 64)
    good, gone = frozenset({OK}), frozenset({OK, NO_ANSWER})
    return [
        Kind(name="640x480", weight=40, request=request_bytes(path, large), right=good),
        Kind(name="64x64", weight=40, request=request_bytes(path, small), right=good),
        Kind(
            name="cut short",
            weight=4,
            request=request_bytes(path, large[: len(large) // 2]),
            right=frozenset({422}),
        ),
        Kind(
            name="not an image",
            weight=3,
            request=request_bytes(path, b"hello", "text/plain"),
            right=frozenset({415}),
        ),
        Kind(
            name="unknown model",
            weight=3,
            request=request_bytes("/predict?model=nobody", small),
            right=frozenset({404}),
        ),
        Kind(
            name="caller left",
            weight=10,
            request=request_bytes(path, large),
            right=gone,
            leaves=True,
        ),
    ]


class Mixture:
    """Sends the kinds at random, by weight, and counts the answers."""

    def __init__(self, kinds: list[Kind], callers: Callers, seed: int = 0) -> None:
        self._kinds = kinds
        self._callers = callers
        self._random = random.Random(seed)
        self.answers: Counter[tuple[str, int]] = Counter()

    @property
    def sent(self) -> int:
        """Requests so far."""
        return self.answers.total()

    def wrong(self) -> dict[str, int]:
        """Answers that no request of their kind should get."""
        right = {kind.name: kind.right | REFUSED for kind in self._kinds}
        return {
            f"{name}: {status}": count
            for (name, status), count in self.answers.items()
            if status not in right[name]
        }

    async def send(self, requests: int, clients: int) -> None:
        """``requests`` more, over ``clients`` that wait for each answer."""
        end = self.sent + requests
        left = iter(range(requests))

        async def client() -> None:
            for _ in left:
                await self._one()

        await asyncio.gather(*(client() for _ in range(clients)))
        assert self.sent == end

    async def _one(self) -> None:
        (kind,) = self._random.choices(self._kinds, [kind.weight for kind in self._kinds])
        send = self._leave if kind.leaves else self._callers.ask
        self.answers[kind.name, await send(kind.request)] += 1

    async def _leave(self, request: bytes) -> int:
        """Send all of it or a part, wait a moment, be gone."""
        connection = await self._callers.open()
        size = len(request) if self._random.random() < 0.5 else len(request) // 2
        asking = asyncio.ensure_future(connection.ask(request[:size]))
        await asyncio.wait({asking}, timeout=self._random.uniform(0, MOST_WAIT_SECONDS))
        connection.abort()
        return await asking
