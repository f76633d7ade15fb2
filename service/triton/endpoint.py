"""One Triton: whether it is well, what it serves, and how much is asked of it right now."""

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from tritonclient.grpc import service_pb2

from service.backend import IndexEntry, Sample
from service.triton import protocol
from service.triton.breaker import Breaker, State
from service.triton.channel import Channel
from service.triton.translate import Fault, Refusal
from service.triton.watcher import Watcher

CONTROL_SECONDS = 2.0  # for questions about health and models
SILENCES = 3  # of these in a row, with no answer to anything in between, that say it hangs

log = logging.getLogger(__name__)


class Health(StrEnum):
    """What is known of a server; a closed set, because it may be a metric's value."""

    UNKNOWN = "unknown"  # nothing yet: it may be asked
    UP = "up"
    DOWN = "down"  # it cannot be reached or is stopping: whoever asks learns so at once
    SILENT = "silent"  # it takes questions and answers none: whoever asks waits in vain
    GONE = "gone"  # its address is no longer that of the name it was found by


class Endpoint:
    """One server."""

    def __init__(
        self, channel: Channel, watcher: Watcher, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.address = channel.address
        self.health = Health.UNKNOWN
        self.in_flight = 0
        self.chosen_at = 0  # when it was last chosen, counted in choices
        self.index: tuple[IndexEntry, ...] | None = None  # as of the last look that it answered
        self._served: Mapping[str, Sequence[str]] = {}
        self._channel = channel
        self._watcher = watcher
        self._clock = clock
        self._breakers: dict[str, Breaker] = {}
        self._silences = 0

    def may_be_asked(self) -> bool:
        """Whether nothing speaks against asking it."""
        return self.health in (Health.UP, Health.UNKNOWN)

    def serves(self, model: str, version: str = "") -> bool:
        """Whether it has ``model`` ready, in any version if that is ""; what it never told, yes."""
        if self.index is None:
            return True
        versions = self._served.get(model, ())
        return version in versions if version else bool(versions)

    def breaker(self, model: str) -> Breaker:
        """The breaker of ``model``."""
        if model not in self._breakers:
            self._breakers[model] = Breaker(lambda state: self._log(model, state), self._clock)
        return self._breakers[model]

    async def infer(
        self, model: str, request: protocol.Message, seconds: float, metadata: Mapping[str, str]
    ) -> Any:
        """One ModelInfer call, which the breaker and the health take note of.

        Raises:
            Refusal
        """
        breaker = self.breaker(model)
        breaker.begin()
        self.in_flight += 1
        try:
            answer = await self._channel.infer(request.encode(seconds), seconds, metadata)
        except Refusal as refusal:
            self._notice(refusal.fault)
            (breaker.fail if refusal.fault is Fault.BROKEN else breaker.leave)()
            raise
        except BaseException:
            breaker.leave()
            raise
        finally:
            self.in_flight -= 1
        self._silences = 0
        breaker.succeed()
        return answer

    async def try_out(self, model: str, sample: Sample, seconds: float) -> Fault | None:
        """What is wrong with ``model``, by one inference that nobody waits for; None: nothing."""
        request = protocol.Request(model, "", sample.inputs, sample.outputs)
        try:
            await self._channel.infer(request.encode(seconds), seconds, {})
        except Refusal as refusal:
            log.warning("%s at %s failed when tried: %s", model, self.address, refusal)
            self._notice(refusal.fault)
            self._watcher.tried_out(self.address, model, refusal.fault)
            return refusal.fault
        self._watcher.tried_out(self.address, model, "ok")
        return None

    async def look(self) -> tuple[IndexEntry, ...]:
        """Its repository index; asking shows whether the server is well.

        Raises:
            Refusal
        """
        answer = await self.ask("RepositoryIndex", service_pb2.RepositoryIndexRequest())
        self.index = tuple(
            IndexEntry(entry.name, entry.version, entry.state == "READY") for entry in answer.models
        )
        served: dict[str, list[str]] = defaultdict(list)
        for entry in self.index:
            if entry.ready:
                served[entry.name].append(entry.version)
        self._served = served
        return self.index

    async def ask(self, method: str, request: Any) -> Any:
        """The answer to a question about health or models.

        Raises:
            Refusal
        """
        try:
            answer = await self._channel.ask(method, request, CONTROL_SECONDS)
        except Refusal as refusal:
            self._notice(refusal.fault)
            self._silences += refusal.fault is Fault.LATE
            if self._silences >= SILENCES:
                self.become(Health.SILENT)
            raise
        self._silences = 0
        self.become(Health.UP)
        return answer

    async def change(self, method: str, model: str, request: Any, seconds: float) -> None:
        """Load or unload ``model``, which takes as long as it takes and tells nothing of health.

        Raises:
            Refusal
        """
        await self._channel.ask(method, request, seconds)
        self.breaker(model).retry_now()

    def become(self, health: Health) -> None:
        """From now on it is ``health``, until there is news."""
        if health is self.health:
            return
        if health is Health.UP:  # perhaps a new process, whose models deserve a new trial
            for breaker in self._breakers.values():
                breaker.retry_now()
        self.health = health
        log.log(_level(health is Health.UP), "endpoint %s is %s", self.address, health)
        self._watcher.endpoint_changed(self.address, health)

    async def close(self, grace_seconds: float | None = None) -> None:
        """Close the channel; what is under way may take ``grace_seconds`` to end."""
        await self._channel.close(grace_seconds)

    def _notice(self, fault: Fault) -> None:
        if fault in (Fault.UNREACHABLE, Fault.STOPPING):
            self.become(Health.DOWN)

    def _log(self, model: str, state: State) -> None:
        well = state is not State.OPEN
        log.log(_level(well), "breaker of %s at %s is %s", model, self.address, state)
        self._watcher.breaker_changed(self.address, model, state)


def _level(well: bool) -> int:
    return logging.INFO if well else logging.WARNING
