"""The app in memory, with its lifespan, behind an httpx client."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from service.app import create_app
from service.settings import Settings
from tests.fakes import FakeBackend
from tests.images import jpeg

JPEG = {"content-type": "image/jpeg"}


@asynccontextmanager
async def gateway(
    backend: FakeBackend | None = None, **settings: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an app over ``backend`` that runs until the block ends."""
    app = create_app(Settings(**settings), backend or FakeBackend())
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
    ):
        yield client


async def predict(client: httpx.AsyncClient, data: bytes | None = None, **query: Any):
    """POST an image, by default a small JPEG."""
    content = jpeg() if data is None else data
    return await client.post("/predict", params=query, content=content, headers=JPEG)
