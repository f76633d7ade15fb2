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


def router(
    catalog: Catalog, backend: InferenceBackend, required: Collection[str] = ()
) -> APIRouter:
    """The probes; only readiness asks ``backend``, for ``required`` or else for any model."""
    routes = APIRouter(tags=["health"])

    @routes.get(ALIVE, responses=responses(ALIVE))
    async def is_alive() -> Health:
        """Alive: the event loop turns. Whether Triton does is no reason to restart a gateway."""
        return Health(status="alive")

    @routes.get(READY, responses=responses(READY, NotReady))
    async def is_ready(request: Request) -> Health:
        """Ready: Triton answers, and would run the models that are required, or else any one."""
        if request.app.state.draining:
            raise NotReady("the gateway is shutting down")
        try:
            await backend.alive()
        except GatewayError as error:
            raise NotReady(error.detail) from error.__cause__
        names = [model.name for model in catalog.servable()]
        answers = await asyncio.gather(*(_ready(backend, name) for name in names))
        ready = {name for name, is_ready in zip(names, answers, strict=True) if is_ready}
        missing = [name for name in required if name not in ready]
        if missing:
            raise NotReady(f"not ready: {', '.join(missing)}", models=missing)
        if not ready:
            raise NotReady("no model that can be asked is ready; GET /models has the reasons")
        return Health(status="ready")

    return routes


async def _ready(backend: InferenceBackend, name: str) -> bool:
    try:
        return await backend.model_ready(name)
    except GatewayError:
        return False
