"""The request line, top to bottom: model, admission, deadline, body, prediction."""

import asyncio
from functools import partial

from service.backend import InferenceBackend
from service.batch import BatchPredictor
from service.catalog import Catalog
from service.errors import BodyTimeout, InvalidParameter
from service.limiter import Limiter, Limiters
from service.pool import Budget, Pool
from service.predictor import INLINE_BYTES, Predictor
from service.presence import Presence
from service.settings import Settings
from service.slot import Batch
from service.steps.encoded import images
from service.steps.form import files
from service.steps.read import FORM, JSON, read
from service.steps.select import select
from service.trace import Stage, Trace
from service.values import Body, Choice, Deadline, Result, Upload, Uploads, Wish

SMALL_BODY = 1 << 20  # bytes; that much is at hand for each request that is admitted
COPIES = {FORM: 2, JSON: 3}  # of a body while it is taken apart: base64 also becomes a string


class Pipeline:
    """Answers predictions, as many at once as ``limiters`` let in."""

    def __init__(
        self,
        settings: Settings,
        catalog: Catalog,
        backend: InferenceBackend,
        limiters: Limiters,
    ) -> None:
        self._settings = settings
        self._catalog = catalog
        self._pool = Pool(settings.decode_threads, settings.max_decode_bytes)
        self._bodies = Budget(settings.max_buffered_bytes)
        self._predictor = Predictor(settings, backend, self._pool)
        self._batches = BatchPredictor(self._predictor)
        self._limiters = limiters

    async def run(self, wish: Wish, body: Body, trace: Trace) -> Result | Batch:
        """One request; any GatewayError but those about parameters may come out.

        Raises:
            ClientDisconnect: the caller has gone, and the work for him has been stopped.
        """
        choice = select(self._catalog, wish)
        trace.model, trace.version = choice.model, choice.version
        longest = self._settings.timeout_seconds
        deadline = Deadline.after(min(longest, wish.timeout_seconds or longest))
        memory = _memory(body, self._settings)
        with self._limiters.enter(choice.model) as limiter:  # refused before the body is read
            trace.enter(Stage.READ)
            uploads = await self._received(body, memory, deadline)
            try:
                with Presence(body.leaving):
                    return await self._answer(
                        choice, wish, uploads, trace, deadline, limiter=limiter
                    )
            finally:
                self._bodies.give(memory)

    async def _answer(  # noqa: PLR0913 - what a prediction is made of
        self,
        choice: Choice,
        wish: Wish,
        uploads: Upload | Uploads,
        trace: Trace,
        deadline: Deadline,
        *,
        limiter: Limiter,
    ) -> Result | Batch:
        if isinstance(uploads, Upload):
            return await self._predictor.predict(
                choice, wish, uploads, trace, deadline, limiter=limiter
            )
        if wish.render:
            raise InvalidParameter(
                f"a picture shows one image, and these are {len(uploads.items)}",
                field="render",
                remedy="ask for JSON, or send the images one by one",
            )
        return await self._batches.predict(choice, wish, uploads, trace, deadline, limiter=limiter)

    async def _received(self, body: Body, memory: int, deadline: Deadline) -> Upload | Uploads:
        """What the body holds, with its memory taken from the budget."""
        try:
            async with asyncio.timeout(deadline.remaining_seconds()):
                await self._bodies.take(memory)
                try:
                    return await self._uploads(body)
                except BaseException:
                    self._bodies.give(memory)
                    raise
        except TimeoutError:
            raise BodyTimeout("the body did not arrive in time") from None

    async def _uploads(self, body: Body) -> Upload | Uploads:
        data = await read(body, self._settings)
        if body.media_type == FORM:
            parse = partial(files, data, body.content_type)
        elif body.media_type == JSON:
            parse = partial(images, data)
        else:
            return Upload(data)
        most = self._settings.max_images
        return parse(most) if len(data) <= INLINE_BYTES else await self._pool.run(parse, most)

    def close(self) -> None:
        """Let the threads finish what they do."""
        self._pool.close()


def _memory(body: Body, settings: Settings) -> int:
    """Bytes that a large body takes until its images are out; small ones are not counted."""
    announced = body.content_length
    size = settings.max_body_bytes if announced is None else announced
    return size * COPIES.get(body.media_type, 1) if size > SMALL_BODY else 0
