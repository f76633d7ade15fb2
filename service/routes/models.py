"""GET /models: what Triton's repository holds, and how each model wants its images."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from service.catalog import Catalog
from service.guard import Guard
from service.schemas import ModelInfo, Models, problems

DENIED = problems({401: "no API key, where one is needed", 421: "not a host of this gateway"})
PROBLEMS = problems({404: "no such model", 503: "Triton has not answered yet"})


def router(catalog: Catalog, guard: Guard) -> APIRouter:
    """The routes over ``catalog``."""
    routes = APIRouter(tags=["models"], dependencies=[Depends(guard.look)], responses=DENIED)

    @routes.get("/models")
    async def models() -> Models:
        """Every model of the repository; those that cannot be asked, with the reason."""
        return Models(models=[ModelInfo.of(model) for model in catalog.models.values()])

    @routes.get("/models/{name}", responses=PROBLEMS)
    async def model(name: Annotated[str, Path(max_length=128)]) -> ModelInfo:
        """The same of one model."""
        return ModelInfo.of(catalog.named(name))

    return routes
