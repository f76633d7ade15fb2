"""The request line, top to bottom, each step timed."""

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import PIL.Image

from contract.recipe import InputSpec, Recipe, Role, Task
from service.backend import InferenceBackend
from service.catalog import Catalog
from service.errors import BodyTimeout, DeadlineExceeded, GatewayError, Overloaded
from service.metrics import Metrics
from service.settings import Settings
from service.steps.class_maps import class_maps
from service.steps.classify import classify
from service.steps.decode import decode
from service.steps.detect import detect
from service.steps.draw import canvas, draw
from service.steps.preprocess import preprocess
from service.steps.read import read
from service.steps.select import select
from service.trace import Stage, Trace
from service.values import (
    Body,
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

T = TypeVar("T")


def _classified(outputs: Outputs, recipe: Recipe, _: Geometry, wish: Wish) -> Findings:
    labels = classify(outputs, recipe, wish.top_k)
    maps = class_maps(outputs, recipe, labels) if wish.class_maps else None
    return Findings(labels=labels, class_maps=maps)


def _detected(outputs: Outputs, recipe: Recipe, geometry: Geometry, wish: Wish) -> Findings:
    found = detect(outputs, recipe, geometry, wish.score_threshold, wish.max_detections)
    return Findings(detections=found)


READERS = {Task.CLASSIFICATION: _classified, Task.DETECTION: _detected}


class Pipeline:
    """Answers predictions; at most ``max_in_flight`` at once, refusing the rest immediately."""

    def __init__(
        self, settings: Settings, catalog: Catalog, backend: InferenceBackend, metrics: Metrics
    ) -> None:
        self._settings = settings
        self._catalog = catalog
        self._backend = backend
        self._metrics = metrics
        self._threads = ThreadPoolExecutor(settings.decode_threads, "decode")
        self._in_flight = 0

    async def run(self, wish: Wish, body: Body, trace: Trace) -> Result:
        """One prediction; any GatewayError but those about parameters may come out."""
        choice = select(self._catalog, wish)
        trace.model, trace.version = choice.model, choice.version
        deadline = Deadline.after(self._settings.timeout_seconds)
        with self._admitted():
            try:
                async with asyncio.timeout(deadline.remaining_seconds()):
                    return await self._answer(choice, wish, body, trace, deadline)
            except TimeoutError:
                raise _late(trace.stage) from None

    async def _answer(
        self, choice: Choice, wish: Wish, body: Body, trace: Trace, deadline: Deadline
    ) -> Result:
        recipe = choice.recipe
        trace.enter(Stage.READ)
        upload = await read(body, self._settings)
        trace.enter(Stage.DECODE)
        prepared, picture, decoded_at = await self._off_loop(
            self._prepare, upload, recipe.input, wish.render
        )
        trace.enter(Stage.PREPROCESS, at=decoded_at)
        names = _asked_for(recipe, wish)
        inputs = {recipe.input.name: prepared.tensor}
        trace.enter(Stage.INFER)
        outputs = await self._backend.infer(choice.model, choice.version, inputs, names, deadline)
        trace.version = outputs.version
        trace.enter(Stage.POSTPROCESS)
        geometry = prepared.geometry
        findings = await self._findings(outputs, recipe, geometry, wish)
        trace.detections = None if findings.detections is None else len(findings.detections)
        size = geometry.width, geometry.height
        png = None
        if picture is not None:
            trace.enter(Stage.DRAW)
            png = await self._off_loop(draw, picture, findings, size, recipe.untrained)
        trace.enter(None)
        return Result(
            model=choice.model,
            version=outputs.version,
            task=recipe.task,
            findings=findings,
            width=geometry.width,
            height=geometry.height,
            untrained=recipe.untrained,
            picture=png,
        )

    def _prepare(
        self, upload: Upload, spec: InputSpec, render: bool
    ) -> tuple[Prepared, PIL.Image.Image | None, float]:
        """The tensor, what to draw on if anything, and the moment when the image was decoded.

        All of it in one trip to the pool, which leaves the image behind: it may be large.
        """
        image = decode(upload, self._settings)
        decoded_at = time.perf_counter()
        return preprocess(image, spec), canvas(image) if render else None, decoded_at

    async def _findings(
        self, outputs: Outputs, recipe: Recipe, geometry: Geometry, wish: Wish
    ) -> Findings:
        """What the outputs say; masks take long enough to keep them off the loop."""
        reader = READERS[recipe.task]
        if recipe.has(Role.MASKS):
            return await self._off_loop(reader, outputs, recipe, geometry, wish)
        return reader(outputs, recipe, geometry, wish)

    async def _off_loop(self, work: Callable[..., T], *arguments: object) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, work, *arguments)

    @contextmanager
    def _admitted(self) -> Iterator[None]:
        limit = self._settings.max_in_flight
        if self._in_flight >= limit:
            raise Overloaded(f"{limit} predictions are under way, which is the limit")
        self._in_flight += 1
        self._metrics.in_flight.set(self._in_flight)
        try:
            yield
        finally:
            self._in_flight -= 1
            self._metrics.in_flight.set(self._in_flight)

    def close(self) -> None:
        """Let the threads finish what they do."""
        self._threads.shutdown()


def _asked_for(recipe: Recipe, wish: Wish) -> list[str]:
    """Names of the outputs to fetch: Triton computes all of them and sends these."""
    return [
        spec.name for spec in recipe.outputs if spec.role is not Role.CLASS_MAPS or wish.class_maps
    ]


def _late(stage: Stage | None) -> GatewayError:
    if stage is Stage.READ:
        return BodyTimeout("the body did not arrive in time")
    return DeadlineExceeded(stage or Stage.READ)
