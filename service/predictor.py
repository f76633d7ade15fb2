"""One image from its bytes to what the model says about it, each step timed."""

import asyncio
import time
from dataclasses import dataclass

import PIL.Image

from contract.recipe import InputSpec, Recipe, Role, Task
from service.backend import InferenceBackend
from service.errors import DeadlineExceeded
from service.formats.claim import Header
from service.looks import Looks, looks
from service.pool import Pool
from service.settings import Settings
from service.steps.class_maps import class_maps
from service.steps.classify import classify
from service.steps.decode import decode, inspect
from service.steps.detect import detect
from service.steps.draw import canvas, draw
from service.steps.preprocess import preprocess
from service.trace import Stage, Trace
from service.values import (
    Choice,
    Deadline,
    Findings,
    Geometry,
    Outputs,
    Prepared,
    Result,
    Upload,
    Wish,
)

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
class _Ready:
    """What a trip to the pool brings back; the image stays there, because it may be large."""

    prepared: Prepared
    picture: PIL.Image.Image | None  # to draw on, if anybody wants to
    frames: int
    decoded_at: float
    looks: Looks


class Predictor:
    """Decodes, asks the inference server, and reads its answer."""

    def __init__(self, settings: Settings, backend: InferenceBackend, pool: Pool) -> None:
        self._settings = settings
        self._backend = backend
        self._pool = pool

    async def predict(
        self, choice: Choice, wish: Wish, upload: Upload, trace: Trace, deadline: Deadline
    ) -> Result:
        """The prediction for one image; its stages follow each other in ``trace``.

        Raises:
            DeadlineExceeded: with what each stage has taken. Any other GatewayError too.
        """
        trace.enter(Stage.DECODE)
        try:
            async with asyncio.timeout(deadline.remaining_seconds()):
                return await self._predict(choice, wish, upload, trace, deadline)
        except (TimeoutError, DeadlineExceeded) as error:
            raise DeadlineExceeded.of(trace) from error

    async def _predict(
        self, choice: Choice, wish: Wish, upload: Upload, trace: Trace, deadline: Deadline
    ) -> Result:
        recipe = choice.recipe
        ready = await self._ready(upload, recipe.input, wish.render)
        trace.looks = ready.looks
        trace.enter(Stage.PREPROCESS, at=ready.decoded_at)
        names = _asked_for(recipe, wish)
        inputs = {recipe.input.name: ready.prepared.tensor}
        trace.enter(Stage.INFER)
        outputs = await self._backend.infer(
            choice.model, choice.version, inputs, names, deadline, metadata=trace.context.metadata()
        )
        trace.version = outputs.version
        trace.enter(Stage.POSTPROCESS)
        geometry = ready.prepared.geometry
        findings = await self._findings(outputs, recipe, geometry, wish)
        trace.top_score = findings.top_score
        trace.detections = None if findings.detections is None else len(findings.detections)
        size = geometry.width, geometry.height
        png = None
        if ready.picture is not None:
            trace.enter(Stage.DRAW)
            png = await self._pool.run(draw, ready.picture, findings, size, recipe.untrained)
        trace.enter(None)
        return Result(
            model=choice.model,
            version=outputs.version,
            task=recipe.task,
            findings=findings,
            width=geometry.width,
            height=geometry.height,
            frames=ready.frames,
            untrained=recipe.untrained,
            picture=png,
        )

    async def _ready(self, upload: Upload, spec: InputSpec, render: bool) -> _Ready:
        if len(upload.data) <= INLINE_BYTES:
            header = inspect(upload, self._settings)
        else:
            header = await self._pool.run(inspect, upload, self._settings)
        memory = header.reserved_bytes
        return await self._pool.run(self._prepare, upload, header, spec, render, memory=memory)

    def _prepare(self, upload: Upload, header: Header, spec: InputSpec, render: bool) -> _Ready:
        image = decode(upload, self._settings, header)
        decoded_at = time.perf_counter()
        picture = canvas(image) if render else None
        prepared = preprocess(image, spec)
        appearance = looks(upload, header.kind, prepared, spec)
        return _Ready(prepared, picture, image.frames, decoded_at, appearance)

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
