"""HTTP/1.1 at the least cost in Python: ready bytes out, a status and a length in."""

import asyncio
from typing import cast

from benchmarks.load.samples import NO_ANSWER

HOST = "127.0.0.1"


def request_bytes(path: str, body: bytes, content_type: str = "image/jpeg") -> bytes:
    """A whole POST request."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Connection(asyncio.Protocol):
    """One kept-alive connection, which carries one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[int] | None = None
        self._received = bytearray()

    @property
    def usable(self) -> bool:
        """Whether it can carry another request."""
        return self._transport is not None and not self._transport.is_closing()

    async def ask(self, request: bytes) -> int:
        """The status of the answer, or NO_ANSWER when the server closes without one."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def abort(self) -> None:
        """Leave without a goodbye, as a caller does who has run out of patience."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Part of asyncio.Protocol."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Part of asyncio.Protocol."""
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        fields = bytes(head).lower()
        if not found or not _whole(fields, body):
            return
        self._received.clear()
        if b"\r\nconnection: close" in fields:
            self.abort()
        self._settle(int(fields[9:12]))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Part of asyncio.Protocol."""
        self._transport = None
        self._settle(NO_ANSWER)

    def _settle(self, status: int) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(status)


def _whole(fields: bytes, body: bytes | bytearray) -> bool:
    """Whether ``body`` is all of it, by what the answer's lower-case head says.

    Raises:
        ValueError: the head has neither Content-Length nor chunks.
    """
    _, found, rest = fields.partition(b"\r\ncontent-length:")
    if found:
        return len(body) >= int(rest.partition(b"\r\n")[0])
    if b"\r\ntransfer-encoding: chunked" in fields:
        return body.endswith(b"\r\n0\r\n\r\n")
    raise ValueError(f"an answer of unknown length: {fields[:200]!r}")


class Callers:
    """Any number of callers of one server: an idle connection is used again, else one is opened."""

    def __init__(self, port: int, patience_seconds: float) -> None:
        self._port = port
        self._patience_seconds = patience_seconds
        self._idle: list[Connection] = []

    async def ask(self, request: bytes) -> int:
        """The status of the answer, or NO_ANSWER."""
        connection: Connection | None = None
        try:
            async with asyncio.timeout(self._patience_seconds):
                connection = self._pick() or await self.open()
                status = await connection.ask(request)
        except (TimeoutError, OSError):
            if connection is not None:
                connection.abort()
            return NO_ANSWER
        if connection.usable:
            self._idle.append(connection)
        return status

    async def close(self) -> None:
        """Close what is idle."""
        for connection in self._idle:
            connection.abort()
        await asyncio.sleep(0)  # for the loop to see them off

    def _pick(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                return connection
        return None

    async def open(self) -> Connection:
        """A new connection."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(Connection, HOST, self._port)
        return connection
