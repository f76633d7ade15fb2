"""POST /models/NAME/load and /unload: what Triton holds in memory, changed while it serves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from fastapi import APIRouter, Depends, Path, Request

from service.backend import InferenceBackend
from service.catalog import Catalog
from service.errors import (
    BackendUnavailable,
    DeadlineExceeded,
    Forbidden,
    ForeignOrigin,
    InferenceFailed,
    InvalidParameter,
    LoadFailed,
    LoadTimeout,
    ModelControlOff,
    ModelNotLoaded,
    Unauthenticated,
    UnknownModel,
)
from service.examples.names import CLASSIFIER
from service.guard import Guard
from service.openapi import KEYS, responses
from service.schemas import ModelInfo
from service.settings import Settings
from service.values import Deadline, Model

# Triton makes a path of it: no separators, and nothing that begins with a dot.
NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
FAILURES = (
    Unauthenticated,
    ModelControlOff,
    ForeignOrigin,
    Forbidden,
    UnknownModel,
    InvalidParameter,
    InferenceFailed,  # a question about the repository
    LoadFailed,
    BackendUnavailable,
    LoadTimeout,
    DeadlineExceeded,  # likewise
)
LOAD, UNLOAD = "/models/{name}/load", "/models/{name}/unload"
Name = Annotated[str, Path(max_length=128, pattern=NAME, examples=[CLASSIFIER])]


class Control:
    """Loads and unloads; the catalogue knows of it before the caller does."""

    def __init__(self, catalog: Catalog, backend: InferenceBackend, seconds: float) -> None:
        self._catalog = catalog
        self._backend = backend
        self._seconds = seconds
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def load(self, name: str) -> Model:
        """The model after Triton has taken it, or what is new of it, from the repository."""
        async with self._alone(name) as deadline:
            try:
                await self._backend.load(name, deadline)
            except UnknownModel as error:  # or one whose configuration Triton cannot read
                await self._catalog.refresh()
                self._catalog.named(name)
                raise LoadFailed(f"model {name!r}: its config.pbtxt is missing or wrong") from error
            await self._catalog.refresh(loaded=name)
            return self._catalog.named(name)

    async def unload(self, name: str) -> Model:
        """The model after Triton has let it go."""
        async with self._alone(name) as deadline:
            await self._catalog.refresh()
            if not self._catalog.named(name).versions:
                raise ModelNotLoaded(f"no version of model {name!r} is loaded")
            await self._backend.unload(name, deadline)
            await self._catalog.refresh()
            return self._catalog.named(name)

    @asynccontextmanager
    async def _alone(self, name: str) -> AsyncIterator[Deadline]:
        """One change of a model at a time; waiting for another one's end counts as well."""
        deadline = Deadline.after(self._seconds)
        lock = self._locks.setdefault(name, asyncio.Lock())
        try:
            async with asyncio.timeout(self._seconds), lock:
                yield deadline
        except TimeoutError:
            raise LoadTimeout(f"the inference server is still at work on model {name!r}") from None


def router(
    settings: Settings, catalog: Catalog, backend: InferenceBackend, guard: Guard
) -> APIRouter:
    """The routes over ``backend``; they refuse everybody unless the settings switch them on."""
    control = Control(catalog, backend, settings.load_timeout_seconds)

    async def admit(request: Request) -> None:
        if not settings.model_control:
            raise ModelControlOff("models cannot be loaded or unloaded through this gateway")
        # A browser lets any page post here; it says which one, which programs do not.
        origin = request.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
            raise ForeignOrigin("a web page of another origin may not load or unload models")

    routes = APIRouter(
        tags=["models"],
        dependencies=[Depends(guard.administer), Depends(admit)],
    )
    extra = {"security": KEYS}

    @routes.post(LOAD, responses=responses(LOAD, *FAILURES), openapi_extra=extra)
    async def load_model(name: Name) -> ModelInfo:
        """Load a model of the repository, or what is new of it; the old one answers until then."""
        return ModelInfo.of(await control.load(name))

    @routes.post(
        UNLOAD, responses=responses(UNLOAD, ModelNotLoaded, *FAILURES), openapi_extra=extra
    )
    async def unload_model(name: Name) -> ModelInfo:
        """Give up a model; predictions that are under way are answered."""
        return ModelInfo.of(await control.unload(name))

    return routes
