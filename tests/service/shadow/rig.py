"""A mirror between made-up models, on a clock that jumps."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from service.decision import Decision, Mirror, Rule
from service.routing.spec import Routes
from service.shadow.agreement import Agreement
from service.shadow.mirror import Mirrored
from service.shadow.record import Shadows, Trial
from service.shadow.watcher import Cause
from service.trace import Trace
from service.values import Choice, Deadline, Result, Upload, Wish
from tests.service.shadow.answers import choice, sees
from tests.service.virtual_time import clock

ROUTE = "signs"


def routes(**shadow: Any) -> Routes:
    """One route to ``old`` with ``new`` as its shadow."""
    return Routes.model_validate(
        {"routes": {ROUTE: {"to": "old", "shadow": {"to": "new", **shadow}}}}
    )


@dataclass
class Models:
    """A Predicting: what each model answers, or raises, and after how long."""

    answers: dict[str, Result | Exception]
    seconds: dict[str, float] = field(default_factory=dict)
    asked: list[tuple[str, Wish, Trace, bool]] = field(default_factory=list)
    running: int = 0
    most: int = 0

    async def predict(
        self,
        decision: Decision,
        wish: Wish,
        upload: Upload,  # noqa: ARG002
        trace: Trace,
        deadline: Deadline,  # noqa: ARG002
        *,
        patient: bool = False,
    ) -> Result:
        model = decision.choice.model
        self.asked.append((model, wish, trace, patient))
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await asyncio.sleep(self.seconds.get(model, 0.01))
        finally:
            self.running -= 1
        answer = self.answers[model]
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass
class Seen:
    """A Watcher that remembers."""

    told: list[tuple[Any, ...]] = field(default_factory=list)

    def compared(self, shadow: str, agreement: Agreement) -> None:
        self.told.append(("compared", shadow, agreement.agrees))

    def dropped(self, shadow: str, cause: Cause) -> None:
        self.told.append(("dropped", shadow, cause))

    def failed(self, shadow: str, problem: str) -> None:
        self.told.append(("failed", shadow, problem))

    def verdict(self, shadow: str, kind: str) -> None:
        self.told.append(("verdict", shadow, kind))


@dataclass
class Rig:
    """A mirror with all that is around it; ``idle`` and ``routes`` may be changed."""

    primaries: Models = field(default_factory=lambda: Models({"old": sees("left", "old")}))
    candidates: Models = field(
        default_factory=lambda: Models({"old": sees("left", "old"), "new": sees("left", "new")})
    )
    routes: Routes = field(default_factory=routes)
    idle: Callable[[], bool] = lambda: True
    watcher: Seen = field(default_factory=Seen)
    observed: list[tuple[str, float]] = field(default_factory=list)
    decision: Decision = field(
        default_factory=lambda: Decision(
            choice=choice("old"),
            rule=Rule.ALIAS,
            route=ROUTE,
            mirrors=(Mirror(ROUTE, choice("new")),),
        )
    )

    def __post_init__(self) -> None:
        self.shadows = Shadows(lambda: self.routes, self.watcher, clock)
        self.mirrored = Mirrored(
            self.primaries,
            candidates=self.candidates,
            shadows=self.shadows,
            idle=lambda: self.idle(),  # noqa: PLW0108 - it may be changed
            observe=lambda model, seconds: self.observed.append((model, seconds)),
            timeout_seconds=10,
            clock=clock,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.mirrored.run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def ask(self, data: bytes = b"file", wish: Wish | None = None, **changes: Any) -> Result:
        """One request; its mirror is taken care of later."""
        return await self.mirrored.predict(
            replace(self.decision, **changes),
            wish or Wish(),
            Upload(data),
            Trace("r-1"),
            Deadline.after(10),
        )

    @property
    def dropped(self) -> dict[Cause, int]:
        return dict(self.shadows.record(ROUTE).dropped)

    @property
    def trial(self) -> Trial:
        (trial,) = self.shadows.record(ROUTE).trials.values()
        return trial

    def mirror(self, candidate: Choice, shadow: str = ROUTE) -> tuple[Mirror, ...]:
        return (Mirror(shadow, candidate),)
