"""GET /models: what Triton's repository holds, and how each model wants its images."""

from fastapi import APIRouter

from service.catalog import Catalog
from service.schemas import ModelInfo, Models


def router(catalog: Catalog) -> APIRouter:
    """The route over ``catalog``."""
    routes = APIRouter(tags=["models"])

    @routes.get("/models")
    async def models() -> Models:
        """Every model of the repository; those that cannot be asked, with the reason."""
        return Models(models=[ModelInfo.of(model) for model in catalog.models.values()])

    return routes
