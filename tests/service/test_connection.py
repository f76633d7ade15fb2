"""Connections that cost without asking are closed; those that ask are not (real sockets)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn

from service import connection
from service.connection import Connection

pytestmark = pytest.mark.anyio
ASK = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n"


async def app(scope, receive, send) -> None:
    """Read the body unless it is asked not to, and answer with its length."""
    length, more = 0, scope["path"] != "/refused"
    while more:
        message = await receive()
        length, more = length + len(message["body"]), message["more_body"]
    body = str(length).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Peer:
    """One connection to the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> bytes:
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        return head.split(b"\r\n")[0] + b" " + await self.reader.readexactly(length)

    async def closed(self, seconds: float = 5) -> bool:
        """Whether the server closes within ``seconds``."""
        try:
            async with asyncio.timeout(seconds):
                while await self.reader.read(4096):
                    pass
        except TimeoutError:
            return False
        except ConnectionError:
            pass
        return True


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.5)


@asynccontextmanager
async def peer() -> AsyncIterator[Peer]:
    config = uvicorn.Config(app, port=0, http=Connection, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    host, port = server.servers[0].sockets[0].getsockname()
    reader, writer = await asyncio.open_connection(host, port)
    try:
        yield Peer(reader, writer)
    finally:
        writer.close()
        server.should_exit = True
        await serving


async def test_a_connection_that_asks_nothing_is_closed() -> None:
    async with peer() as one:
        assert await one.closed()


async def test_a_head_that_drips_is_not_waited_for() -> None:
    async with peer() as one:

        async def drip() -> None:
            await one.send(b"GET / HTTP/1.1\r\nx: ")
            while True:
                await one.send(b"a")
                await asyncio.sleep(0.02)

        dripping = asyncio.create_task(drip())
        assert await one.closed()
        dripping.cancel()
        await asyncio.gather(dripping, return_exceptions=True)


async def test_a_second_head_is_not_waited_for_either() -> None:
    async with peer() as one:
        await one.send(ASK + b"abcd")
        assert (await one.answer()).endswith(b"200 OK 4")
        await one.send(b"POST / HTTP/1.1\r\n")
        assert await one.closed()


async def test_an_empty_line_after_an_answer_does_not_keep_the_connection() -> None:
    async with peer() as one:
        await one.send(ASK + b"abcd")
        await one.answer()
        await one.send(b"\r\n")
        assert await one.closed()


@pytest.mark.parametrize(
    "field", [b"x: " + b"a" * 1000 + b"\r\n", b"a" * 1000], ids=["many", "one"]
)
async def test_a_head_without_end_is_refused(field: bytes) -> None:
    async with peer() as one:
        await one.send(b"GET / HTTP/1.1\r\nx: a" + (b"\r\n" if b"\r" in field else b""))
        try:
            for _ in range(60):
                await one.send(field)
                await asyncio.sleep(0)
            first = await asyncio.wait_for(one.reader.readline(), 2)
        except ConnectionError:  # closed with bytes of ours unread
            return
        assert first == b"HTTP/1.1 400 Bad Request\r\n"


async def test_a_slow_body_is_the_applications_to_wait_for() -> None:
    async with peer() as one:
        await one.send(ASK)
        for letter in (b"a", b"b", b"c", b"d"):
            await asyncio.sleep(0.2)
            await one.send(letter)
        assert (await one.answer()).endswith(b"200 OK 4")


async def test_a_connection_is_kept_between_requests() -> None:
    async with peer() as one:
        for _ in range(3):
            await one.send(ASK + b"abcd")
            assert (await one.answer()).endswith(b"200 OK 4")
            await asyncio.sleep(0.6)


async def test_a_large_body_counts_as_no_head() -> None:
    async with peer() as one:
        size = 5_000_000
        head = f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n".encode()
        await one.send(head + b"x" * size)
        assert (await one.answer()).endswith(b"200 OK 5000000")


async def test_the_rest_of_a_refused_body_is_let_in_so_that_the_refusal_is_read() -> None:
    async with peer() as one:
        await one.send(b"POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n")
        assert (await one.answer()).endswith(b"200 OK 0")
        await one.send(b"x" * 200_000)
        await one.send(ASK + b"abcd")
        assert (await one.answer()).endswith(b"200 OK 4")


async def test_the_rest_of_a_refused_body_is_not_waited_for_without_end() -> None:
    async with peer() as one:
        await one.send(b"POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n")
        await one.answer()
        await one.send(b"x")
        assert await one.closed()
