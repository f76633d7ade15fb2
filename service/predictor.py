"""One image from its bytes to what the model says about it, each step timed."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import PIL.Image

from contract.recipe import InputSpec, Recipe, Role, Task
from pixels.fit import Prepared, prepare
from pixels.formats.claim import Header
from pixels.geometry import Geometry
from service.backend import InferenceBackend
from service.deadlines import within
from service.decision import Decision
from service.limiter import Limiters
from service.looks import Looks, looks
from service.pool import Pool
from service.settings import Settings
from service.steps.class_maps import class_maps
from service.steps.classify import classify
from service.steps.decode import decode, inspect
from service.steps.detect import detect
from service.steps.draw import canvas, draw
from service.trace import Stage, Trace
from service.values import (
    Choice,
    Deadline,
    Findings,
    Outputs,
    Result,
    Upload,
    Wish,
)

T = TypeVar("T")

LARGE_SHARE = 0.25  # of the memory for decoding; an image that needs more decodes for long
COPIES = 3  # of a file that Pillow holds at most, where its decoder makes nothing of it
INLINE_BYTES = 1 << 18  # of a file, whose header is read on the loop; longer ones may take a while


def _classified(outputs: Outputs, recipe: Recipe, _: Geometry, wish: Wish) -> Findings:
    labels = classify(outputs, recipe, wish.top_k)
    maps = class_maps(outputs, recipe, labels) if wish.class_maps else None
    return Findings(labels=labels, class_maps=maps)


def _detected(outputs: Outputs, recipe: Recipe, geometry: Geometry, wish: Wish) -> Findings:
    found = detect(outputs, recipe, geometry, wish.score_threshold, wish.max_detections)
    return Findings(detections=found)


READERS = {Task.CLASSIFICATION: _classified, Task.DETECTION: _detected}


@dataclass(frozen=True, slots=True)
class Ready:
    """What a trip to the pool brings back; the image stays there, because it may be large."""

    prepared: tuple[Prepared, ...]  # one for each InputSpec that was asked for
    picture: PIL.Image.Image | None  # to draw on, if anybody wants to
    frames: int
    decoded_at: float  # on perf_counter
    looks: Looks


class Predictor:
    """Admits, decodes, asks the inference server, and reads its answer: a Predicting.

    Large images may decode for seconds. They take turns with each other, which leaves a thread to
    the rest, and not with those of their model: its limit shall learn what the model takes.
    """

    def __init__(
        self, settings: Settings, backend: InferenceBackend, pool: Pool, limiters: Limiters
    ) -> None:
        self._settings = settings
        self._backend = backend
        self._pool = pool
        self._limiters = limiters
        self._large = asyncio.Semaphore(max(1, settings.decode_threads - 1))

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
        """The prediction of the decision's choice alone.

        Raises:
            Overloaded: its model does not admit it; whoever is ``patient`` waits instead.
            DeadlineExceeded: with what each stage has taken. Any other GatewayError too.
        """
        choice = decision.choice
        trace.model, trace.version = choice.model, choice.version
        trace.enter(Stage.DECODE)
        header = await within(deadline, trace, self._header(upload))
        trace.enter(Stage.QUEUE)
        work = partial(self._predict, choice, wish, upload, trace, deadline, header=header)
        if self._is_large(header):
            return await within(deadline, trace, self._in_turn(work))
        async with self._limiters.of(choice.model).admit(deadline, patient=patient):
            return await within(deadline, trace, work())

    async def ready(
        self, upload: Upload, specs: Sequence[InputSpec], trace: Trace, deadline: Deadline
    ) -> Ready:
        """The image decoded once, and fitted for each of ``specs``, in their order.

        Raises:
            DeadlineExceeded, ImageTooLarge, UnreadableImage
        """
        trace.enter(Stage.DECODE)
        header = await within(deadline, trace, self._header(upload))
        work = partial(self._ready, upload, header, specs, render=False)
        turn = self._in_turn(work) if self._is_large(header) else work()
        ready = await within(deadline, trace, turn)
        trace.looks = ready.looks
        trace.enter(Stage.PREPROCESS, at=ready.decoded_at)
        trace.enter(None)
        return ready

    async def answered(  # noqa: PLR0913 - what an answer is made of
        self,
        choice: Choice,
        wish: Wish,
        prepared: Prepared,
        trace: Trace,
        deadline: Deadline,
        *,
        frames: int,
    ) -> Result:
        """What ``choice`` says about an image that is ready; the caller has admitted it.

        Raises:
            DeadlineExceeded, and what `InferenceBackend.infer` raises.
        """
        return await within(
            deadline, trace, self._answered(choice, wish, prepared, trace, deadline, frames=frames)
        )

    def _is_large(self, header: Header) -> bool:
        return header.reserved_bytes > LARGE_SHARE * self._settings.max_decode_bytes

    async def _in_turn(self, work: Callable[[], Awaitable[T]]) -> T:
        async with self._large:
            return await work()

    async def _predict(  # noqa: PLR0913 - what a prediction is made of
        self,
        choice: Choice,
        wish: Wish,
        upload: Upload,
        trace: Trace,
        deadline: Deadline,
        *,
        header: Header,
    ) -> Result:
        trace.enter(Stage.DECODE)
        ready = await self._ready(upload, header, [choice.recipe.input], render=wish.render)
        trace.looks = ready.looks
        trace.enter(Stage.PREPROCESS, at=ready.decoded_at)
        (prepared,) = ready.prepared
        result = await self._answered(choice, wish, prepared, trace, deadline, frames=ready.frames)
        if ready.picture is None:
            return result
        trace.enter(Stage.DRAW)
        size = result.width, result.height
        png = await self._pool.run(draw, ready.picture, result.findings, size, result.untrained)
        trace.enter(None)
        return replace(result, picture=png)

    async def _answered(  # noqa: PLR0913 - what an answer is made of
        self,
        choice: Choice,
        wish: Wish,
        prepared: Prepared,
        trace: Trace,
        deadline: Deadline,
        *,
        frames: int,
    ) -> Result:
        recipe = choice.recipe
        names = _asked_for(recipe, wish)
        inputs = {recipe.input.name: prepared.tensor}
        trace.enter(Stage.INFER)
        outputs = await self._backend.infer(
            choice.model, choice.version, inputs, names, deadline, metadata=trace.context.metadata()
        )
        trace.version = outputs.version
        trace.enter(Stage.POSTPROCESS)
        geometry = prepared.geometry
        findings = await self._findings(outputs, recipe, geometry, wish)
        trace.top_score = findings.top_score
        trace.detections = None if findings.detections is None else len(findings.detections)
        trace.enter(None)
        return Result(
            model=choice.model,
            version=outputs.version,
            task=recipe.task,
            findings=findings,
            width=geometry.width,
            height=geometry.height,
            frames=frames,
            untrained=recipe.untrained,
        )

    async def _header(self, upload: Upload) -> Header:
        if len(upload.data) <= INLINE_BYTES:
            return inspect(upload, self._settings)
        return await self._pool.run(inspect, upload, self._settings)

    async def _ready(
        self, upload: Upload, header: Header, specs: Sequence[InputSpec], *, render: bool
    ) -> Ready:
        memory = max(header.reserved_bytes, COPIES * len(upload.data))
        return await self._pool.run(self._prepare, upload, header, specs, render, memory=memory)

    def _prepare(
        self, upload: Upload, header: Header, specs: Sequence[InputSpec], render: bool
    ) -> Ready:
        image = decode(upload, self._settings, header)
        decoded_at = time.perf_counter()
        picture = canvas(image) if render else None
        prepared = tuple(prepare(image.picture, spec) for spec in specs)
        appearance = looks(upload, header.kind, prepared[0], specs[0])
        return Ready(prepared, picture, image.frames, decoded_at, appearance)

    async def _findings(
        self, outputs: Outputs, recipe: Recipe, geometry: Geometry, wish: Wish
    ) -> Findings:
        """What the outputs say; masks take long enough to keep them off the loop."""
        reader = READERS[recipe.task]
        if recipe.has(Role.MASKS):
            return await self._pool.run(reader, outputs, recipe, geometry, wish)
        return reader(outputs, recipe, geometry, wish)


def _asked_for(recipe: Recipe, wish: Wish) -> list[str]:
    """Names of the outputs to fetch: Triton computes all of them and sends these."""
    return [
        spec.name for spec in recipe.outputs if spec.role is not Role.CLASS_MAPS or wish.class_maps
    ]
