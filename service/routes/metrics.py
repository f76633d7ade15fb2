"""GET /metrics: the Prometheus exposition."""

import asyncio

from fastapi import APIRouter, Request, Response

from service.metrics import Metrics


def router(metrics: Metrics) -> APIRouter:
    """The route over ``metrics``."""
    routes = APIRouter(tags=["health"])

    @routes.get("/metrics", response_class=Response)
    async def exposition(request: Request) -> Response:
        """Every series of this process, or of all workers together."""
        metrics.sample()
        accept = request.headers.get("accept", "")
        # On a thread: thousands of lines would keep requests waiting.
        text, media_type = await asyncio.to_thread(metrics.render, accept)
        return Response(text, headers={"Content-Type": media_type})

    return routes
