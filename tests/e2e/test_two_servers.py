"""Two real Tritons behind one gateway: one may die, wholly or in part, and nobody notices."""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest
import torch
from torch import Tensor, nn

from runtime.launch import TritonConfig
from runtime.server import TritonProcess
from service.settings import Settings
from service.triton import TritonBackend
from service.values import Deadline
from tests.e2e.stack import ROOT, free_port
from tests.e2e.test_drop_in import half_white, recipe, write_model
from tests.runtime import tiny

PICTURE = half_white(0)
PNG = {"content-type": "image/png"}
CANARY_SECONDS = 1
PAUSE_SECONDS = 0.02  # of each caller, so that a server can start beside them
START_SECONDS = 120  # a model's process imports torch first, slowly where others need the cores


class Slow(nn.Module):
    """Takes as many milliseconds, about, as its input says."""

    def forward(self, x: Tensor) -> Tensor:
        y = torch.eye(200)
        for _ in range(int(x[0, 0])):
            y = torch.tanh(y @ y)
        return x + y.sum() * 0


@dataclass
class Servers:
    """Two servers of one repository, and the gateway over both."""

    tritons: list[TritonProcess]
    url: str
    log: Path

    def process(self, number: int) -> psutil.Process:
        port = f"--grpc-port={self.tritons[number].config.ports.grpc}"
        children = psutil.Process().children(recursive=True)
        return next(c for c in children if c.name() == "tritonserver" and port in c.cmdline())

    def kill_stub(self, number: int) -> None:
        stubs = self.process(number).children()
        next(one for one in stubs if any("/halves/" in part for part in one.cmdline())).kill()

    def answered(self, number: int) -> int:
        """Images that a server has seen of the model."""
        url = f"http://127.0.0.1:{self.tritons[number].config.ports.http}/v2/models/halves/stats"
        return int(httpx.get(url).json()["model_stats"][0]["inference_count"])

    def asking_took_ms(self, answer: httpx.Response) -> float:
        """How long the gateway was busy with the servers, as its log tells."""
        request_id = answer.headers["x-request-id"]
        self.until(lambda: request_id in self.log.read_text(), 10, "the log line")
        line = next(one for one in self.log.read_text().splitlines() if request_id in one)
        return float(json.loads(line)["stages_ms"]["infer"])

    def restart(self, number: int) -> None:
        self.tritons[number].start()
        self.until(self.tritons[number].ready, START_SECONDS, "a restarted server")

    def ready(self) -> bool:
        return httpx.get(f"{self.url}/readyz").status_code == 200

    def until(self, condition, seconds: float, what: str) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"{what}: not in time\n{self.log.read_text()[-3000:]}"
            time.sleep(0.05)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    write_model(folder, "halves", recipe())
    config = "max_batch_size: 1\ndynamic_batching { }\n"
    config += tiny.tensors("input", x="FP32") + tiny.tensors("output", y="FP32")
    tiny.add_model(folder, "slow", Slow(), config)
    return folder


@pytest.fixture(scope="module")
def servers(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    models = (("halves",), ("halves", "slow"))
    tritons = [TritonProcess(TritonConfig(repository, names, threads=1)) for names in models]
    log = tmp_path_factory.mktemp("two") / "log"
    port = free_port()
    addresses = ",".join(f"127.0.0.1:{triton.config.ports.grpc}" for triton in tritons)
    environment = os.environ | {
        "FOVEA_TRITON_URL": addresses,
        "FOVEA_CANARY_SECONDS": str(CANARY_SECONDS),
        "FOVEA_CATALOG_REFRESH_SECONDS": "0.5",
    }
    try:
        for triton in tritons:
            triton.start()
        for triton in tritons:
            while not triton.ready():
                time.sleep(0.1)
        with log.open("wb") as output:
            gateway = subprocess.Popen(
                [sys.executable, "-m", "service", "--port", str(port)],
                stdout=output, stderr=output, cwd=ROOT, env=environment,
            )  # fmt: skip
        servers = Servers(tritons, f"http://127.0.0.1:{port}", log)
        servers.until(lambda: "listens on" in log.read_text(), 30, "the gateway")
        servers.until(servers.ready, 30, "readiness")
        yield servers
        gateway.terminate()
        gateway.wait(30)
    finally:
        for triton in tritons:
            triton.stop()


def predict(servers: Servers) -> httpx.Response:
    url = f"{servers.url}/predict?model=halves"
    return httpx.post(url, content=PICTURE, headers=PNG, timeout=30)


@contextmanager
def asked_all_the_time(servers: Servers, callers: int = 4) -> Iterator[Counter[str]]:
    """What callers get who ask again and again: `200`, or the whole problem."""
    seen: Counter[str] = Counter()
    over = threading.Event()

    def ask() -> None:
        with httpx.Client(timeout=30) as client:
            url = f"{servers.url}/predict?model=halves"
            while not over.is_set():
                answer = client.post(url, content=PICTURE, headers=PNG)
                seen["200" if answer.status_code == 200 else answer.text] += 1
                time.sleep(PAUSE_SECONDS)

    threads = [threading.Thread(target=ask) for _ in range(callers)]
    for thread in threads:
        thread.start()
    try:
        servers.until(lambda: seen.total() > 20, 60, "the first answers")
        yield seen
    finally:
        over.set()
        for thread in threads:
            thread.join()


def test_a_caller_who_leaves_cancels_what_still_waits_in_the_real_server(servers: Servers) -> None:
    ports = servers.tritons[1].config.ports

    async def leave() -> None:
        backend = TritonBackend(Settings(triton_url=f"127.0.0.1:{ports.grpc}"))

        async def ask(work: int, seconds: float = 30) -> None:
            inputs = {"x": np.full((1, 3), work, np.float32)}
            await backend.infer("slow", "", inputs, ["y"], Deadline.after(seconds))

        await ask(1)
        busy = asyncio.create_task(ask(2000))
        await asyncio.sleep(0.1)
        waiting = [asyncio.create_task(ask(1)) for _ in range(4)]
        await asyncio.sleep(0.1)
        for call in waiting:
            call.cancel()
        await asyncio.gather(busy, *waiting, return_exceptions=True)
        await backend.close()

    asyncio.run(leave())
    metrics = httpx.get(f"http://127.0.0.1:{ports.metrics}/metrics").text
    (line,) = [
        line for line in metrics.splitlines()
        if line.startswith("nv_inference_request_failure") and '"slow"' in line
        and 'reason="CANCELED"' in line
    ]  # fmt: skip
    assert float(line.split()[-1]) >= 2  # it takes one or two of the queue in advance


def test_a_server_that_is_killed_costs_no_caller_anything_and_its_return_is_noticed(
    servers: Servers,
) -> None:
    with asked_all_the_time(servers) as seen:
        servers.process(0).kill()
        killed_at = seen.total()
        servers.until(lambda: seen.total() > killed_at + 50, 60, "answers without the server")
        servers.restart(0)
        before = servers.answered(0)
        servers.until(lambda: servers.answered(0) > before + 20, 30, "the server's return")
    assert set(seen) == {"200"}


def test_a_model_that_is_dead_is_found_out_everywhere_and_comes_back(servers: Servers) -> None:
    with asked_all_the_time(servers) as seen:
        servers.kill_stub(0)
        dead_at = seen.total()
        servers.until(lambda: seen.total() > dead_at + 50, 60, "answers of the other server")
        assert servers.ready()
    assert set(seen) == {"200"}
    servers.kill_stub(1)
    servers.until(lambda: not servers.ready(), CANARY_SECONDS + 5, "/readyz turning 503")
    refused = predict(servers)
    assert servers.asking_took_ms(refused) < 500  # the server itself takes a second to say so
    assert (refused.status_code, "retry-after" in refused.headers) == (503, True)
    assert refused.json()["type"] == "urn:fovea:problem:model-broken"
    assert httpx.get(f"{servers.url}/healthz").status_code == 200
    for number in range(2):
        servers.process(number).kill()
    servers.restart(0)
    servers.until(servers.ready, 20, "recovery")
    assert predict(servers).status_code == 200
