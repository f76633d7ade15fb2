"""What most people write first: FastAPI with torch in the same process, one request at a time."""

import argparse
import asyncio
import io
from functools import partial

import numpy as np
import torch
import uvicorn
from fastapi import FastAPI, Request
from PIL import Image


def answer(model: torch.jit.ScriptModule, body: bytes) -> list[float]:
    """Decode, resize and run one image, all on the calling thread."""
    image = Image.open(io.BytesIO(body)).convert("RGB").resize((64, 64), Image.Resampling.BILINEAR)
    with torch.inference_mode():
        scores: list[float] = model(torch.from_numpy(np.array(image))[None])[0][0].tolist()
    return scores


def create_app(model: torch.jit.ScriptModule) -> FastAPI:
    """One endpoint; torch runs in the default thread pool, so that the loop stays free."""
    app = FastAPI()

    @app.post("/predict")
    async def predict(request: Request) -> list[float]:
        body = await request.body()
        return await asyncio.get_running_loop().run_in_executor(None, partial(answer, model, body))

    return app


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="path of model.pt")
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # as many as the embedded Triton gets on two cores
    scripted = torch.jit.load(arguments.model)
    for _ in range(5):  # the JIT optimises during the first calls
        scripted(torch.zeros(1, 64, 64, 3, dtype=torch.uint8))
    uvicorn.run(create_app(scripted), port=arguments.port, log_level="warning")
