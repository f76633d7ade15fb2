"""The client for threads: sends what ``_calls`` build, waits as ``_exchange`` says."""

import time
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
from fovea._images import Image, load
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


class Client:
    """A gateway at ``url``, and a pool of connections to it; threads may share one.

    Use it in a ``with`` block, or ``close`` it. ``ClientOptions`` has the options; ``transport`` is
    what httpx sends with, in place of its own. Every call may raise ``ProblemError`` (the gateway
    said no), ``TransportError`` (no answer came) and ``UnexpectedAnswer``, all ``FoveaError``; and
    ValueError for options that make no sense.
    """

    def __init__(
        self,
        url: str = URL,
        *,
        transport: httpx.BaseTransport | None = None,
        **options: Unpack[ClientOptions],
    ) -> None:
        self._policy, arguments = settle(url, **options)
        self._http = httpx.Client(transport=transport, **arguments)

    def predict(self, image: Image, **options: Unpack[PredictOptions]) -> Answer:
        """What a model sees in ``image``."""
        return self._ask(_calls.predict(load(image), **options))

    def predict_batch(self, images: Iterable[Image], **options: Unpack[PredictOptions]) -> Batch:
        """Likewise for each of several, in one request; one bad image is an error in its place."""
        return self._ask(_calls.predict_batch([load(image) for image in images], **options))

    def render(self, image: Image, **options: Unpack[RenderOptions]) -> bytes:
        """A PNG of ``image`` with what a model sees drawn in."""
        return self._ask(_calls.render(load(image), **options))

    def compare(
        self, image: Image, models: Iterable[str], **options: Unpack[CompareOptions]
    ) -> Comparison:
        """What each of several models or routes sees in ``image``, and how far they agree."""
        return self._ask(_calls.compare(load(image), models, **options))

    def models(self, **options: Unpack[CallOptions]) -> list[Model]:
        """Every model of the repository, those that cannot be asked with the reason."""
        return self._ask(_calls.models(**options))

    def model(self, name: str, **options: Unpack[CallOptions]) -> Model:
        """The same of one; ``NotFound`` where there is none of that name."""
        return self._ask(_calls.model(name, **options))

    def load(self, name: str, **options: Unpack[CallOptions]) -> Model:
        """Load a model of the repository, or what is new of it; by default waits up to 130 s."""
        return self._ask(_calls.load(name, **options))

    def unload(self, name: str, **options: Unpack[CallOptions]) -> Model:
        """Give up a model; by default waits up to 130 s."""
        return self._ask(_calls.unload(name, **options))

    def ready(self, **options: Unpack[CallOptions]) -> bool:
        """Whether the gateway wants traffic; False also where it cannot be reached."""
        try:
            return self._ask(_calls.ready(**options))
        except (Unavailable, TransportError):
            return False

    def _ask(self, call: Call[T]) -> T:
        exchange = Exchange(call, self._policy)
        while True:
            try:
                response = self._http.request(**exchange.request())
            except httpx.RequestError as error:
                pause = exchange.after_failure(error)
            else:
                if response.is_success:
                    return call.read(response)
                pause = exchange.after_refusal(response)
            time.sleep(pause)

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        """Where it sends to, without the key."""
        return f"fovea.Client({str(self._http.base_url)!r})"
