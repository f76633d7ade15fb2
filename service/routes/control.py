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
    ForeignOrigin,
    LoadFailed,
    LoadTimeout,
    ModelControlOff,
    ModelNotLoaded,
    UnknownModel,
)
from service.guard import Guard
from service.schemas import ModelInfo, problems
from service.settings import Settings
from service.values import Deadline, Model

# Triton makes a path of it: no separators, and nothing that begins with a dot.
NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$"
PROBLEMS = problems(
    {
        401: "no API key, where one is needed",
        403: "model control is off, the key lacks a scope, or a web page of somebody else asks",
        404: "no such model in Triton's repository",
        409: "nothing to unload",
        421: "not a host of this gateway",
        422: "a name that no model may have",
        502: "Triton could not load it; what was loaded before still answers",
        503: "Triton is not there; see Retry-After",
        504: "not done in time; Triton may still be at it",
    }
)
Name = Annotated[str, Path(pattern=NAME)]


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
            await self._catalog.refresh()
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
        responses=PROBLEMS,
    )

    @routes.post("/models/{name}/load")
    async def load(name: Name) -> ModelInfo:
        """Load a model of the repository, or what is new of it; the old one answers until then."""
        return ModelInfo.of(await control.load(name))

    @routes.post("/models/{name}/unload")
    async def unload(name: Name) -> ModelInfo:
        """Give up a model; predictions that are under way are answered."""
        return ModelInfo.of(await control.unload(name))

    return routes
