"""GET /models: what Triton's repository holds, and how each model wants its images."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from service.catalog import Catalog
from service.errors import BackendUnavailable, InvalidParameter, Unauthenticated, UnknownModel
from service.examples.names import CLASSIFIER
from service.guard import Guard
from service.openapi import KEYS, responses
from service.schemas import ModelInfo, Models

LIST, ONE = "/models", "/models/{name}"
FAILURES = (Unauthenticated, UnknownModel, InvalidParameter, BackendUnavailable)
Name = Annotated[str, Path(max_length=128, examples=[CLASSIFIER])]


def router(catalog: Catalog, guard: Guard) -> APIRouter:
    """The routes over ``catalog``."""
    routes = APIRouter(tags=["models"], dependencies=[Depends(guard.look)])
    extra = {"security": KEYS}

    @routes.get(LIST, responses=responses(LIST, Unauthenticated), openapi_extra=extra)
    async def list_models() -> Models:
        """Every model of the repository; those that cannot be asked, with the reason."""
        return Models(models=[ModelInfo.of(model) for model in catalog.models.values()])

    @routes.get(ONE, responses=responses(ONE, *FAILURES), openapi_extra=extra)
    async def get_model(name: Name) -> ModelInfo:
        """The same of one model."""
        return ModelInfo.of(catalog.named(name))

    return routes
