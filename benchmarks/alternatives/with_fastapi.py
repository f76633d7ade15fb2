"""What most people write first: FastAPI with torch in the same process, an image at a time.

No batching, no limits, no metrics. Torch runs in the default thread pool, so the loop stays free.
"""

import asyncio

import uvicorn
from fastapi import FastAPI, Request

from benchmarks.alternatives.image import pixels
from benchmarks.alternatives.network import Network, load, port


def create_app(network: Network) -> FastAPI:
    """One endpoint."""
    app = FastAPI()

    def classify(jpeg: bytes) -> list[float]:
        scores: list[float] = network(pixels(jpeg)[None])[0].tolist()
        return scores

    @app.post("/predict")
    async def predict(request: Request) -> list[float]:
        return await asyncio.to_thread(classify, await request.body())

    return app


if __name__ == "__main__":
    uvicorn.run(create_app(load()), port=port(), log_level="warning", access_log=False)
