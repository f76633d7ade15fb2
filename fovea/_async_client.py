"""The client for asyncio: sends what ``_calls`` build, waits as ``_exchange`` says."""

import asyncio
from collections.abc import Iterable
from types import TracebackType
from typing import Self, TypeVar, Unpack

import httpx

from fovea import _calls
from fovea._answers import Answer, Batch
from fovea._calls import Call
from fovea._comparison import Comparison
from fovea._errors import TransportError, Unavailable
from fovea._exchange import Exchange
from fovea._images import Image, Upload, load
from fovea._models import Model
from fovea._options import (
    CallOptions,
    ClientOptions,
    CompareOptions,
    PredictOptions,
    RenderOptions,
)
from fovea._settings import URL, settle

T = TypeVar("T")


class AsyncClient:
    """A gateway at ``url``, and a pool of connections to it, for tasks of one event loop.

    Use it in an ``async with`` block, or ``close`` it; all else is as with ``Client``. A task that
    is cancelled closes its connection, and the gateway stops working for it.
    """

    def __init__(
        self,
        url: str = URL,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        **options: Unpack[ClientOptions],
    ) -> None:
        self._policy, arguments = settle(url, **options)
        self._http = httpx.AsyncClient(transport=transport, **arguments)

    async def predict(self, image: Image, **options: Unpack[PredictOptions]) -> Answer:
        """What a model sees in ``image``."""
        return await self._ask(_calls.predict(await _loaded(image), **options))

    async def predict_batch(
        self, images: Iterable[Image], **options: Unpack[PredictOptions]
    ) -> Batch:
        """Likewise for each of several, in one request; one bad image is an error in its place."""
        uploads = [await _loaded(image) for image in images]
        return await self._ask(_calls.predict_batch(uploads, **options))

    async def render(self, image: Image, **options: Unpack[RenderOptions]) -> bytes:
        """A PNG of ``image`` with what a model sees drawn in."""
        return await self._ask(_calls.render(await _loaded(image), **options))

    async def compare(
        self, image: Image, models: Iterable[str], **options: Unpack[CompareOptions]
    ) -> Comparison:
        """What each of several models or routes sees in ``image``, and how far they agree."""
        return await self._ask(_calls.compare(await _loaded(image), models, **options))

    async def models(self, **options: Unpack[CallOptions]) -> list[Model]:
        """Every model of the repository, those that cannot be asked with the reason."""
        return await self._ask(_calls.models(**options))

    async def model(self, name: str, **options: Unpack[CallOptions]) -> Model:
        """The same of one; ``NotFound`` where there is none of that name."""
        return await self._ask(_calls.model(name, **options))

    async def load(self, name: str, **options: Unpack[CallOptions]) -> Model:
        """Load a model of the repository, or what is new of it; by default waits up to 130 s."""
        return await self._ask(_calls.load(name, **options))

    async def unload(self, name: str, **options: Unpack[CallOptions]) -> Model:
        """Give up a model; by default waits up to 130 s."""
        return await self._ask(_calls.unload(name, **options))

    async def ready(self, **options: Unpack[CallOptions]) -> bool:
        """Whether the gateway wants traffic; False also where it cannot be reached."""
        try:
            return await self._ask(_calls.ready(**options))
        except (Unavailable, TransportError):
            return False

    async def _ask(self, call: Call[T]) -> T:
        exchange = Exchange(call, self._policy)
        while True:
            try:
                response = await self._http.request(**exchange.request())
            except httpx.RequestError as error:
                pause = exchange.after_failure(error)
            else:
                if response.is_success:
                    return call.read(response)
                pause = exchange.after_refusal(response)
            await asyncio.sleep(pause)

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        """Where it sends to, without the key."""
        return f"fovea.AsyncClient({str(self._http.base_url)!r})"


async def _loaded(image: Image) -> Upload:
    """The bytes of ``image``; reading a file does not hold up other tasks."""
    return load(image) if isinstance(image, bytes) else await asyncio.to_thread(load, image)
