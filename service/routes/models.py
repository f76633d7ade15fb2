"""GET /models: what Triton's repository holds, and how each model wants its images."""

from typing import Annotated

from fastapi import APIRouter, Path

from service.catalog import Catalog
from service.schemas import ModelInfo, Models, problems

PROBLEMS = problems({404: "no such model", 503: "Triton has not answered yet"})


def router(catalog: Catalog) -> APIRouter:
    """The routes over ``catalog``."""
    routes = APIRouter(tags=["models"])

    @routes.get("/models")
    async def models() -> Models:
        """Every model of the repository; those that cannot be asked, with the reason."""
        return Models(models=[ModelInfo.of(model) for model in catalog.models.values()])

    @routes.get("/models/{name}", responses=PROBLEMS)
    async def model(name: Annotated[str, Path(max_length=128)]) -> ModelInfo:
        """The same of one model."""
        return ModelInfo.of(catalog.named(name))

    return routes
