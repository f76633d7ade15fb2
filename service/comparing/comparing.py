"""A request line of its own: names, admission of each model, one body, one decode, all asked."""

import asyncio
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace

from contract.recipe import InputSpec
from pixels.fit import Prepared
from service.catalog import Catalog
from service.comparing.comparison import Comparison
from service.comparing.entrants import Absent, Entrant, entrants
from service.decision import Routing
from service.errors import GatewayError, InvalidParameter, Overloaded
from service.intake import Intake
from service.limiter import Limiters
from service.predictor import Predictor, Ready
from service.presence import Presence
from service.routing.router import Router
from service.settings import Settings
from service.slot import Slot
from service.steps.read import JSON
from service.trace import Stage, Trace
from service.values import Body, Deadline, Result, Upload, Uploads, Wish


class Comparing:
    """Asks models past caches, fallbacks and shadows: each answers for itself, and now."""

    def __init__(  # noqa: PLR0913 - what a comparison is made of
        self,
        settings: Settings,
        router: Router,
        catalog: Catalog,
        *,
        limiters: Limiters,
        intake: Intake,
        predictor: Predictor,
    ) -> None:
        self._settings = settings
        self._router = router
        self._catalog = catalog
        self._limiters = limiters
        self._intake = intake
        self._predictor = predictor

    async def run(self, models: str, wish: Wish, body: Body, trace: Trace) -> Comparison:
        """One image, shown to each of ``models``: names with commas between.

        A model that fails, or cannot be asked, has its failure in its slot. The request fails
        where the names, the parameters, the body or the image are wrong, and where no model can
        be asked.

        Raises:
            GatewayError: of any kind.
            ClientDisconnect: the caller has gone, and the work for him has been stopped.
        """
        most = self._settings.compare_models
        named = entrants(models, wish, most, self._router, self._catalog)
        longest = self._settings.timeout_seconds
        deadline = Deadline.after(min(longest, wish.timeout_seconds or longest))
        with ExitStack() as places:
            present = [self._entered(one, places) for one in named]
            _refuse_if_none(present)  # before the body is read
            trace.enter(Stage.READ)
            async with self._intake.received(body, deadline) as uploads:
                upload = _only(uploads, body)
                with Presence(body.leaving):
                    return await self._compared(present, wish, upload, trace, deadline)

    def _entered(self, one: Entrant | Absent, places: ExitStack) -> Entrant | Absent:
        """Counted as present until ``places`` are given back, unless its model is full."""
        if isinstance(one, Absent):
            return one
        try:
            places.enter_context(self._limiters.enter(one.decision.choice.model))
        except Overloaded as error:
            return Absent(one.name, error, one.decision)
        return one

    async def _compared(
        self,
        present: list[Entrant | Absent],
        wish: Wish,
        upload: Upload,
        trace: Trace,
        deadline: Deadline,
    ) -> Comparison:
        specs = {_alike(one): None for one in present if isinstance(one, Entrant)}
        ready = await self._predictor.ready(upload, tuple(specs), trace, deadline)
        trace.looks = None  # they are those of one model's input
        inputs = dict(zip(specs, ready.prepared, strict=True))
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._slot(one, inputs, ready, trace, deadline))
                for one in present
            ]
        slots = tuple(task.result() for task in tasks)
        _sum_up(slots, trace)
        geometry = ready.prepared[0].geometry
        return Comparison(
            slots=slots,
            width=geometry.width,
            height=geometry.height,
            frames=ready.frames,
            top_k=wish.top_k,
        )

    async def _slot(
        self,
        one: Entrant | Absent,
        inputs: Mapping[InputSpec, Prepared],
        ready: Ready,
        trace: Trace,
        deadline: Deadline,
    ) -> Slot:
        own = trace.begin_image()
        if one.decision is not None:
            decision = one.decision
            own.model, own.version = decision.choice.model, decision.choice.version
            own.routing = Routing.of(decision)
        outcome: Result | GatewayError
        if isinstance(one, Absent):
            outcome = one.error
        else:
            outcome = await self._asked(one, inputs[_alike(one)], ready.frames, own, deadline)
        own.enter(None)
        if isinstance(outcome, GatewayError):
            outcome.record(own)
        return Slot(one.name, outcome, own)

    async def _asked(
        self, one: Entrant, prepared: Prepared, frames: int, own: Trace, deadline: Deadline
    ) -> Result | GatewayError:
        choice = one.decision.choice
        own.enter(Stage.QUEUE)
        try:
            async with self._limiters.of(choice.model).admit(deadline):
                return await self._predictor.answered(
                    choice, one.wish, prepared, own, deadline, frames=frames
                )
        except GatewayError as error:
            return error


def _alike(one: Entrant) -> InputSpec:
    """What the image is prepared for: models that differ in the tensor's name share it."""
    return replace(one.decision.choice.recipe.input, name="")


def _refuse_if_none(present: list[Entrant | Absent]) -> None:
    absent = [one for one in present if isinstance(one, Absent)]
    if len(absent) == len(present):
        raise absent[0].error


def _only(uploads: Upload | Uploads, body: Body) -> Upload:
    if isinstance(uploads, Upload):
        return uploads
    if len(uploads.items) > 1:
        raise InvalidParameter(
            f"a comparison is of one image, and these are {len(uploads.items)}",
            field="images" if body.media_type == JSON else "file",
            remedy="send the images one by one",
        )
    (item,) = uploads.items
    if isinstance(item, Exception):
        raise item
    return item


def _sum_up(slots: tuple[Slot, ...], trace: Trace) -> None:
    """The request has failed where no model has an answer, though it is answered with 200."""
    failures = [slot.outcome for slot in slots if isinstance(slot.outcome, GatewayError)]
    if len(failures) == len(slots):
        trace.outcome = failures[0].outcome
        trace.cause = str(failures[0].__cause__ or failures[0])
