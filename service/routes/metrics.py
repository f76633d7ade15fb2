"""GET /metrics: the Prometheus exposition."""

from fastapi import APIRouter, Response

from service.metrics import Metrics


def router(metrics: Metrics) -> APIRouter:
    """The route over ``metrics``."""
    routes = APIRouter(tags=["health"])

    @routes.get("/metrics", response_class=Response)
    async def exposition() -> Response:
        """Every series of this process."""
        return Response(metrics.render(), headers={"Content-Type": metrics.content_type})

    return routes
