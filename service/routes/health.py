"""GET /healthz and /readyz: is the process alive, and should it get traffic."""

import asyncio

from fastapi import APIRouter, Request

from service.backend import InferenceBackend
from service.catalog import Catalog
from service.errors import GatewayError, NotReady
from service.schemas import Health, problems


def router(catalog: Catalog, backend: InferenceBackend) -> APIRouter:
    """The probes; only readiness asks ``backend``."""
    routes = APIRouter(tags=["health"])

    @routes.get("/healthz")
    async def healthz() -> Health:
        """Alive: the event loop turns. Whether Triton does is no reason to restart a gateway."""
        return Health(status="alive")

    @routes.get("/readyz", responses=problems({503: "no traffic, please; `detail` says why"}))
    async def readyz(request: Request) -> Health:
        """Ready: Triton answers and would run at least one model that can be asked here."""
        if request.app.state.draining:
            raise NotReady("the gateway is shutting down")
        try:
            await backend.alive()
        except GatewayError as error:
            raise NotReady(error.detail) from error.__cause__
        names = [model.name for model in catalog.servable()]
        if not any(await asyncio.gather(*(_ready(backend, name) for name in names))):
            raise NotReady("no model that can be asked is ready; GET /models has the reasons")
        return Health(status="ready")

    return routes


async def _ready(backend: InferenceBackend, name: str) -> bool:
    try:
        return await backend.model_ready(name)
    except GatewayError:
        return False
