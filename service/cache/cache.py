"""Answers from memory what was answered before, and computes once what many want at once."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from service.cache.flights import Flights
from service.cache.key import Key, Question, digest
from service.cache.store import Store
from service.catalog import Catalog
from service.decision import Cached, Decision, PassedOver, Routing
from service.errors import DeadlineExceeded
from service.pool import Pool
from service.predicting import Predicting
from service.trace import Stage, Trace
from service.values import Choice, Deadline, Model, Result, Upload, Wish

INLINE_BYTES = 1 << 20  # of a file that is hashed on the loop, which takes a millisecond or two


@dataclass(frozen=True, slots=True)
class _Landed:
    """What those who waited are told."""

    result: Result
    passed_over: tuple[PassedOver, ...]  # meanwhile, by the one who had it computed


class Cache:
    """A Predicting around ``inner`` that remembers its results, ``most_bytes`` of them.

    Of an image only its digest is kept. What a model has answered is forgotten as soon as the
    catalogue shows other versions of it or another recipe. Failures are not remembered.
    """

    def __init__(self, inner: Predicting, most_bytes: int, catalog: Catalog, pool: Pool) -> None:
        self._inner = inner
        self._store = Store(most_bytes)
        self._flights: Flights[_Landed] = Flights()
        self._catalog = catalog
        self._pool = pool
        self._seen: Mapping[str, Model] = {}  # the catalogue that the entries belong to
        self._generations: Counter[str] = Counter()

    @property
    def entries(self) -> int:
        """Results that are held."""
        return len(self._store)

    @property
    def held_bytes(self) -> int:
        """Memory that they take, by the estimate of `sizes`."""
        return self._store.held_bytes

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
        """The result from memory, from another who is computing it, or from ``inner``.

        Raises:
            DeadlineExceeded: also while another computes. What else ``inner`` raises.
        """
        routing = trace.routing or Routing.of(decision)
        trace.routing = routing
        key = self._key(decision.choice, wish, await self._digest(upload, trace, deadline))

        async def compute() -> _Landed:
            routing.cache, before = Cached.MISS, len(routing.passed_over)
            result = await self._inner.predict(
                decision, wish, upload, trace, deadline, patient=patient
            )
            self._keep(key, result)
            return _Landed(result, tuple(routing.passed_over[before:]))

        if key is None or wish.fresh:
            return (await compute()).result
        found = self._store.get(key)
        if found is not None:
            return _told(_Landed(found, ()), Cached.HIT, trace, routing)
        trace.enter(Stage.QUEUE)
        try:
            landed, shared = await self._flights.share((key, *_others(decision)), compute, deadline)
        except TimeoutError as error:
            raise DeadlineExceeded.of(trace) from error
        return _told(landed, Cached.SHARED, trace, routing) if shared else landed.result

    async def _digest(self, upload: Upload, trace: Trace, deadline: Deadline) -> bytes:
        if len(upload.data) <= INLINE_BYTES:
            return digest(upload)
        try:
            async with asyncio.timeout(deadline.remaining_seconds()):
                return await self._pool.run(digest, upload)
        except TimeoutError as error:
            raise DeadlineExceeded.of(trace) from error

    def _key(self, choice: Choice, wish: Wish, hashed: bytes) -> Key | None:
        """None where the model is no longer the one that was chosen."""
        self._forget_what_changed()
        model = self._seen.get(choice.model)
        if model is None or not model.versions:
            return None
        if choice.recipe is not model.recipe and choice.recipe != model.recipe:
            return None
        version = choice.version or model.versions[-1]
        return Key(hashed, model.name, version, self._generations[model.name], Question.of(wish))

    def _keep(self, key: Key | None, result: Result) -> None:
        """Unless a fallback gave it, or the model changed while it was computed."""
        self._forget_what_changed()
        if key is None or result.model != key.model:
            return
        if key.generation == self._generations[key.model]:
            self._store.put(replace(key, version=result.version), result)

    def _forget_what_changed(self) -> None:
        now = self._catalog.models
        if now is self._seen:
            return
        for name, model in self._seen.items():
            if now.get(name) is not model:  # an equal one may have been another meanwhile
                self._generations[name] += 1
                self._store.drop(name)
        self._seen = now


def _others(decision: Decision) -> tuple[object, ...]:
    """Who may answer in the choice's place: without the same ones nobody shares an answer."""
    fallbacks = tuple((choice.model, choice.version) for choice in decision.fallbacks)
    return (fallbacks, decision.reasons if fallbacks else None)


def _told(landed: _Landed, cached: Cached, trace: Trace, routing: Routing) -> Result:
    """The result of ``landed``, which somebody else has had computed."""
    result = landed.result
    routing.cache = cached
    routing.passed_over += landed.passed_over
    trace.model, trace.version = result.model, result.version
    trace.enter(None)
    return result
