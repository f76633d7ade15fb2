"""GET /metrics: the Prometheus exposition."""

import asyncio

from fastapi import APIRouter, Request, Response

from service.metrics import Metrics
from service.openapi import responses

PATH = "/metrics"
SAMPLE = {"schema": {"type": "string"}, "example": 'fovea_build_info{version="0.1.0"} 1.0\n'}
EXPOSITION = {
    "description": "Prometheus's text, or OpenMetrics where `Accept` asks for it",
    "content": {"text/plain": SAMPLE, "application/openmetrics-text": SAMPLE},
}


def router(metrics: Metrics) -> APIRouter:
    """The route over ``metrics``."""
    routes = APIRouter(tags=["health"])

    @routes.get(PATH, response_class=Response, responses=responses(PATH, success=EXPOSITION))
    async def get_metrics(request: Request) -> Response:
        """Every series of this process, or of all workers together."""
        metrics.sample()
        accept = request.headers.get("accept", "")
        # On a thread: thousands of lines would keep requests waiting.
        text, media_type = await asyncio.to_thread(metrics.render, accept)
        return Response(text, headers={"Content-Type": media_type})

    return routes
