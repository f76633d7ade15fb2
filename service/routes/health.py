"""GET /healthz and /readyz: is the process alive, and should it get traffic."""

import asyncio
from collections.abc import Collection

from fastapi import APIRouter, Request

from service.backend import InferenceBackend
from service.catalog import Catalog
from service.errors import GatewayError, NotReady
from service.openapi import responses
from service.schemas import Health

ALIVE, READY = "/healthz", "/readyz"


class Readiness:
    """Whether Triton answers, and would run the models that are ``required``, or else any one."""

    def __init__(
        self, catalog: Catalog, backend: InferenceBackend, required: Collection[str] = ()
    ) -> None:
        self._catalog = catalog
        self._backend = backend
        self._required = required

    async def check(self, request: Request) -> None:
        """Ask Triton, now.

        Raises:
            NotReady: this gateway should get no traffic.
        """
        if request.app.state.draining:
            raise NotReady("the gateway is shutting down")
        try:
            await self._backend.alive()
        except GatewayError as error:
            raise NotReady(error.detail) from error.__cause__
        names = [model.name for model in self._catalog.servable()]
        answers = await asyncio.gather(*(_ready(self._backend, name) for name in names))
        ready = {name for name, is_ready in zip(names, answers, strict=True) if is_ready}
        missing = [name for name in self._required if name not in ready]
        if missing:
            raise NotReady(f"not ready: {', '.join(missing)}", models=missing)
        if not ready:
            raise NotReady("no model that can be asked is ready; GET /models has the reasons")


def router(readiness: Readiness) -> APIRouter:
    """The probes; only readiness asks Triton."""
    routes = APIRouter(tags=["health"])

    @routes.get(ALIVE, responses=responses(ALIVE))
    async def is_alive() -> Health:
        """Alive: the event loop turns. Whether Triton does is no reason to restart a gateway."""
        return Health(status="alive")

    @routes.get(READY, responses=responses(READY, NotReady))
    async def is_ready(request: Request) -> Health:
        """Ready: Triton answers, and would run the models that are required, or else any one."""
        await readiness.check(request)
        return Health(status="ready")

    return routes


async def _ready(backend: InferenceBackend, name: str) -> bool:
    try:
        return await backend.model_ready(name)
    except GatewayError:
        return False
