"""Asks models that nobody asks whether they still work: a dead one goes on saying it is ready."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from service.backend import Sample
from service.triton.breaker import Breaker, State
from service.triton.endpoint import Endpoint
from service.triton.translate import Fault

TICK_SECONDS = 0.25
# Inferences in a row that speak for a model under suspicion: of several instances one may be
# dead, and each inference meets another.
PROOF = 3
LEAST_PAUSE_SECONDS = 1.0  # between two trials of a model under suspicion

log = logging.getLogger(__name__)


class Canary:
    """Runs a sample of each model on each server, and tells the model's breaker how it went.

    A model that answered callers within ``every_seconds`` is left alone; 0 leaves all alone but
    those under suspicion and those whose breaker is open.
    """

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        every_seconds: float,
        timeout_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._endpoints = endpoints
        self._every_seconds = every_seconds
        self._timeout_seconds = timeout_seconds
        self._clock = clock
        self._tried_at: dict[tuple[str, str], float] = {}  # by address and model
        self._running: set[tuple[str, str]] = set()
        self._proven: set[str] = set()  # models whose sample was answered once

    async def run(self, samples: Callable[[], Mapping[str, Sample]]) -> None:
        """Try what is due, until cancelled; ``samples`` gives an input for each model."""
        async with asyncio.TaskGroup() as group:
            while True:
                models = samples()
                for endpoint, model in self.due(models):
                    key = endpoint.address, model
                    self._tried_at[key] = self._clock()
                    self._running.add(key)
                    task = group.create_task(self._try(endpoint, model, models[model]))
                    task.add_done_callback(partial(self._finish, key))
                await asyncio.sleep(TICK_SECONDS)

    def due(self, models: Mapping[str, Sample]) -> list[tuple[Endpoint, str]]:
        """Which models are to be tried now, and where."""
        return [
            (endpoint, model)
            for endpoint in self._endpoints
            if endpoint.may_be_asked() and endpoint.index is not None
            for model in models
            if (endpoint.address, model) not in self._running
            if endpoint.serves(model) and self._is_due(endpoint, model)
        ]

    def _is_due(self, endpoint: Endpoint, model: str) -> bool:
        breaker = endpoint.breaker(model)
        idle = self._clock() - self._tried_at.get((endpoint.address, model), -float("inf"))
        match breaker.state:
            case State.CLOSED:
                idle = min(idle, self._clock() - breaker.answered_at)
                return 0 < self._every_seconds <= idle
            case _:
                return breaker.admits() and idle >= LEAST_PAUSE_SECONDS

    def _finish(self, key: tuple[str, str], _: asyncio.Task[None]) -> None:
        self._running.discard(key)

    async def _try(self, endpoint: Endpoint, model: str, sample: Sample) -> None:
        breaker = endpoint.breaker(model)
        runs = 1 if breaker.state is State.CLOSED else PROOF
        if model in self._proven:  # else a caller's request is as good a trial, if one comes
            breaker.begin()
        started_at = self._clock()
        fault: Fault | None = Fault.OTHER
        try:
            for _ in range(runs):
                fault = await endpoint.try_out(model, sample, self._timeout_seconds)
                if fault is not None:
                    break
        except Exception:  # the loop must outlive whatever a server may answer
            log.exception("the canary of %s failed", model)
        finally:
            self._judge(breaker, model, fault, heard=breaker.answered_at >= started_at)

    def _judge(self, breaker: Breaker, model: str, fault: Fault | None, *, heard: bool) -> None:
        """Tell the breaker; ``heard``: callers got answers meanwhile."""
        if fault is None:
            self._proven.add(model)
            breaker.acquit()
        elif fault is Fault.BROKEN and (model in self._proven or not breaker.ever_answered()):
            breaker.convict()
        elif fault is Fault.LATE and not heard:
            # Once may be a long queue, twice is a model that hangs.
            (breaker.suspect if breaker.state is State.CLOSED else breaker.convict)()
        else:  # busy, gone, or a sample that this model cannot digest while its callers' can
            breaker.leave()
