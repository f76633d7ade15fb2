"""The body of an inference, read and taken apart within a time and a budget of memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from service.deadlines import arriving
from service.errors import BodyTooLarge, InvalidParameter
from service.inference_protocol.compression import PLAIN, check_coding, decompress
from service.inference_protocol.request import Asked, parse
from service.pool import Budget, Pool
from service.settings import Settings
from service.steps.read import collect
from service.tensors import BYTES
from service.values import Body, Deadline

HEAD = "inference-header-content-length"
SMALL_BODY = 1 << 20  # bytes; that much is at hand for each request that is admitted
COPIES = 2  # of a body while it is under way: the message to Triton is the other
INLINE_BYTES = 1 << 16  # that are taken apart on the loop; more may take a while
# Bytes that one of JSON may become: "[]," is a list of 72, and a place in another one.
JSON_COPIES = 32


@dataclass(frozen=True, slots=True)
class Framing:
    """What a request's headers say of its body."""

    coding: str = ""  # Content-Encoding
    head_bytes: int | None = None  # of JSON, once unpacked; None: all of it

    @classmethod
    def of(cls, coding: str, head: str | None) -> "Framing":
        """Raise UnsupportedMediaType or InvalidParameter for what cannot be followed."""
        coding = coding.strip().lower()
        check_coding(coding)
        if head is None:
            return cls(coding)
        if not (head.isascii() and head.isdigit() and len(head) < 20 and int(head)):
            raise InvalidParameter(f"{HEAD} is no number of bytes of JSON", field=HEAD)
        return cls(coding, int(head))


class TensorIntake:
    """Reads bodies; the large ones together take no more than ``memory`` has."""

    def __init__(self, settings: Settings, pool: Pool, memory: Budget) -> None:
        self._settings = settings
        self._pool = pool
        self._memory = memory

    @asynccontextmanager
    async def received(
        self, body: Body, framing: Framing, deadline: Deadline
    ) -> AsyncIterator[Asked]:
        """The request that the body holds; its memory is the caller's until the block ends.

        Raises:
            BodyTimeout: it was not there by ``deadline``.
            BodyTooLarge, MalformedUpload, InvalidParameter
        """
        amount = self._amount(body, framing)
        await arriving(deadline, self._memory.take(amount))
        try:
            yield await arriving(deadline, self._asked(body, framing))
        finally:
            self._memory.give(amount)

    def _amount(self, body: Body, framing: Framing) -> int:
        known = framing.coding in PLAIN and body.content_length is not None
        size = body.content_length if known else self._settings.max_body_bytes
        return COPIES * size if size and size > SMALL_BODY else 0

    async def _asked(self, body: Body, framing: Framing) -> Asked:
        data = await collect(body, self._settings)
        if framing.coding not in PLAIN:  # a few bytes may become many
            data = await self._pool.run(decompress, data, self._settings.max_body_bytes)
        head_bytes = len(data) if framing.head_bytes is None else framing.head_bytes
        if head_bytes > len(data):
            raise InvalidParameter(
                f"{HEAD} is {head_bytes}, and the body has {len(data)} bytes", field=HEAD
            )
        self._check_head(head_bytes)
        if head_bytes <= INLINE_BYTES and (
            len(data) <= INLINE_BYTES or data.find(BYTES.encode(), 0, head_bytes) < 0
        ):
            return parse(data, head_bytes)
        memory = JSON_COPIES * head_bytes
        return await self._pool.run(parse, data, head_bytes, memory=memory)

    def _check_head(self, head_bytes: int) -> None:
        most = self._settings.max_decode_bytes // JSON_COPIES
        if head_bytes > most:
            raise BodyTooLarge(
                f"the JSON exceeds {most} bytes",
                remedy="send the tensors as binary data",
                max_body_bytes=most,
            )
