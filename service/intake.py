"""A request's body to its images, within a time and a budget of memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from service.deadlines import arriving
from service.pool import Budget, Pool
from service.settings import Settings
from service.steps.encoded import images
from service.steps.form import files
from service.steps.read import FORM, JSON, read
from service.values import Body, Deadline, Upload, Uploads

SMALL_BODY = 1 << 20  # bytes; that much is at hand for each request that is admitted
COPIES = {FORM: 2, JSON: 3}  # of a body while it is taken apart: base64 also becomes a string
INLINE_BYTES = 1 << 18  # of a body that is taken apart on the loop; longer ones may take a while


class Intake:
    """Reads bodies; large ones together take no more than ``memory`` has."""

    def __init__(self, settings: Settings, pool: Pool, memory: Budget) -> None:
        self._settings = settings
        self._pool = pool
        self._memory = memory

    @asynccontextmanager
    async def received(self, body: Body, deadline: Deadline) -> AsyncIterator[Upload | Uploads]:
        """What the body holds; its memory is the caller's until the block ends.

        Raises:
            BodyTimeout: it was not there by ``deadline``.
            BodyTooLarge, MalformedUpload, TooManyImages, UnsupportedMediaType
        """
        memory = _memory(body, self._settings)
        await arriving(deadline, self._memory.take(memory))
        try:
            yield await arriving(deadline, self._uploads(body))
        finally:
            self._memory.give(memory)

    async def _uploads(self, body: Body) -> Upload | Uploads:
        data = await read(body, self._settings)
        if body.media_type == FORM:
            parse = partial(files, data, body.content_type)
        elif body.media_type == JSON:
            parse = partial(images, data)
        else:
            return Upload(data)
        most = body.most_images or self._settings.max_images
        return parse(most) if len(data) <= INLINE_BYTES else await self._pool.run(parse, most)


def _memory(body: Body, settings: Settings) -> int:
    """Bytes that a large body takes until its images are out; small ones are not counted."""
    announced = body.content_length
    size = settings.max_body_bytes if announced is None else announced
    return size * COPIES.get(body.media_type, 1) if size > SMALL_BODY else 0
