"""Both clients behind one call, for what must be true of both."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx

from fovea import AsyncClient, Client

Handler = Callable[[httpx.Request], httpx.Response]
Ask = Callable[..., Any]
IMAGE = b"\xff\xd8 an image"
ANSWER = {
    "model": "signs",
    "version": "1",
    "task": "classification",
    "image": {"width": 64, "height": 48},
}


def sync(handler: Handler, call: str, *args: Any, options: Any = None, **told: Any) -> Any:
    with Client(transport=httpx.MockTransport(handler), **(options or {})) as client:
        return getattr(client, call)(*args, **told)


def asynchronous(handler: Handler, call: str, *args: Any, options: Any = None, **told: Any) -> Any:
    async def ask() -> Any:
        transport = httpx.MockTransport(handler)
        async with AsyncClient(transport=transport, **(options or {})) as client:
            return await getattr(client, call)(*args, **told)

    return asyncio.run(ask())


class Script:
    """A transport that plays ``replies`` one by one, the last again and again."""

    def __init__(self, *replies: httpx.Response | Exception) -> None:
        self.replies = list(replies)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        reply = self.replies[min(len(self.requests), len(self.replies)) - 1]
        if isinstance(reply, Exception):
            raise reply
        # A fresh one each time: httpx ties an answer to the client that got it.
        return httpx.Response(reply.status_code, headers=reply.headers, content=reply.content)


def answered() -> httpx.Response:
    return httpx.Response(200, json=ANSWER)


def refused(status: int, after: str | None = None) -> httpx.Response:
    headers = {} if after is None else {"retry-after": after}
    return httpx.Response(status, json={"title": "No"}, headers=headers)
