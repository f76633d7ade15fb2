"""Measure the served path against the alternatives: `make bench`."""

import argparse
import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import httpx
import numpy as np
import skimage.data
from PIL import Image

from benchmarks.load import Load, measure
from benchmarks.machine import describe
from benchmarks.raw_triton import measure_raw
from tests.e2e.stack import REPOSITORY, ROOT, free_port, serve

MODEL = "mbv2_simam"
CLIENTS = (1, 4, 16)
RESULTS = Path(__file__).parent / "results"


def jpeg(width: int, height: int) -> bytes:
    """A photograph at the given size, as a camera would store it."""
    image = Image.fromarray(np.asarray(skimage.data.astronaut())).resize((width, height))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


@contextmanager
def in_process() -> Iterator[str]:
    """The alternative of benchmarks/alternatives/inprocess.py on a free port."""
    port = free_port()
    module = "benchmarks.alternatives.inprocess"
    model = REPOSITORY / MODEL / "1/model.pt"
    process = subprocess.Popen(
        [sys.executable, "-m", module, str(model), "--port", str(port)], cwd=ROOT
    )
    try:
        url = f"http://127.0.0.1:{port}"
        with httpx.Client(timeout=60, transport=httpx.HTTPTransport(retries=10)) as client:
            client.get(f"{url}/docs")  # waits until it listens
        yield f"{url}/predict"
    finally:
        process.terminate()
        process.wait()


def rounds(url: str, bodies: list[bytes], requests: int) -> list[Load]:
    """One run for each number of clients, after a warm-up that is thrown away."""
    measure(url, bodies, clients=4, requests=100)
    return [measure(url, bodies, clients=clients, requests=requests) for clients in CLIENTS]


def main() -> None:
    """Run everything once and write benchmarks/results/serving.{json,md}."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=1200, help="for each line of the table")
    requests = parser.parse_args().requests
    images = {"64x64": [jpeg(64, 64)], "640x480": [jpeg(640, 480)]}
    results: dict[str, list[Load]] = {}
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder) / "log") as stack:
        results["raw Triton gRPC, pixels ready"] = measure_raw(
            f"127.0.0.1:{stack.triton_port('grpc')}", MODEL, clients=CLIENTS, requests=requests
        )
        for size, bodies in images.items():
            url = f"{stack.url}/predict?model={MODEL}"
            results[f"Fovea, {size} JPEG"] = rounds(url, bodies, requests)
    with in_process() as url:
        for size, bodies in images.items():
            results[f"FastAPI + torch in process, {size} JPEG"] = rounds(url, bodies, requests)
    _write(results)


def _write(results: dict[str, list[Load]]) -> None:
    RESULTS.mkdir(exist_ok=True)
    machine = describe("torch", "tritonclient", "fastapi")
    document = {"machine": machine, "runs": {k: [asdict(x) for x in v] for k, v in results.items()}}
    (RESULTS / "serving.json").write_text(json.dumps(document, indent=1) + "\n")
    lines = ["| path | clients | requests/s | p50 ms | p95 ms | p99 ms | errors |"]
    lines.append("|---|---|---|---|---|---|---|")
    for name, loads in results.items():
        lines += [
            f"| {name} | {x.clients} | {x.requests_per_second} | {x.p50_ms} | {x.p95_ms} "
            f"| {x.p99_ms} | {x.errors} |"
            for x in loads
        ]
    table = "\n".join(lines)
    (RESULTS / "serving.md").write_text(f"{table}\n\n{machine}\n")
    print(table)


if __name__ == "__main__":
    main()
