"""The queries of docs/metrics.md, asked of a real Prometheus that scrapes a real gateway.

Those for every day give numbers while all is well. Those for alerts are silent then, and not when
there is trouble: too many callers, a dead model process, a model that is gone, a dead Triton.
"""

import json
import math
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.e2e.stack import Stack, free_port, serve
from tests.images import encode, quarters
from tests.service.test_metrics_page import PAGE, ROW

PROMETHEUS, PROMTOOL = shutil.which("prometheus"), shutil.which("promtool")
pytestmark = pytest.mark.skipif(
    PROMETHEUS is None, reason="no prometheus on this machine: apt-get install prometheus"
)

CLASSIFIER, DETECTOR = "mbv2_simam", "retinanet_mbv2_simam"
PICTURE = encode(quarters())
PNG = {"content-type": "image/png"}
SETTINGS = {
    "FOVEA_CANARY_SECONDS": "1",
    "FOVEA_CATALOG_REFRESH_SECONDS": "0.5",
    "FOVEA_MAX_IN_FLIGHT": "2",
    "FOVEA_MODEL_CONTROL": "true",
}
# Nobody waits a week here, nor a minute; and of two models one goes.
HASTE = {"offset 1w": "offset 1s", "> 60": "> 3", "< 1": "< 2"}
INTERVAL = "500ms"  # of scrapes, and of the steps of a subquery
PATIENCE_SECONDS = 15


def hasty(query: str) -> str:
    for slow, fast in HASTE.items():
        query = query.replace(slow, fast)
    return query


# These want routes, a shadow and a cache: tests/deploy/test_monitoring_queries.py has them.
CHOICES = ("fovea_routed", "fovea_fallbacks", "fovea_cache", "fovea_shadow")
QUERIES = {
    name: hasty(query) for name, _, _, query in ROW.findall(PAGE) if not name.startswith(CHOICES)
}
ALERTS = {name for name, query in QUERIES.items() if re.search(r" (>|<|==) \d+$", query)}
TROUBLE = ALERTS | {"fovea_retries_total"}  # there are none while all is well


@dataclass
class Prometheus:
    client: httpx.Client

    def get(self, path: str, **query: str) -> dict:
        answer = self.client.get(f"/api/v1/{path}", params=query).json()
        assert answer["status"] == "success", (query, answer)
        return answer["data"]

    def numbers(self, query: str) -> list[float]:
        found = (float(one["value"][1]) for one in self.get("query", query=query)["result"])
        return [number for number in found if not math.isnan(number)]

    def silent(self, names: Iterable[str], act: Callable[[], object]) -> set[str]:
        """Whose queries gave no number yet, after ``act`` was repeated for as long as it takes."""
        left, end = set(names), time.monotonic() + PATIENCE_SECONDS
        while left and time.monotonic() < end:
            act()
            left = {name for name in left if not self.numbers(QUERIES[name])}
        return left


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    log = tmp_path_factory.mktemp("watched") / "log"
    with serve(log, f"{CLASSIFIER},{DETECTOR}", **SETTINGS) as running:
        yield running


@pytest.fixture(scope="module")
def prometheus(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    folder = tmp_path_factory.mktemp("prometheus")
    targets = {"targets": [stack.url.removeprefix("http://")]}
    config = {
        "global": {"scrape_interval": INTERVAL, "evaluation_interval": INTERVAL},
        "scrape_configs": [{"job_name": "gateway", "static_configs": [targets]}],
    }
    (folder / "config.yml").write_text(json.dumps(config))  # which is YAML too
    with watching(stack, folder, "config.yml", free_port()) as running:
        yield running


@contextmanager
def watching(stack: Stack, folder: Path, config: str, port: int) -> Iterator[Prometheus]:
    """A Prometheus with the file ``config`` of ``folder``, until the block ends."""
    options = {
        "config.file": config,
        "storage.tsdb.path": "data",
        "web.listen-address": f"127.0.0.1:{port}",
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(PROMETHEUS), *(f"--{name}={value}" for name, value in options.items())],
            cwd=folder, stdout=log, stderr=log,
        )  # fmt: skip
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        try:
            stack.wait(lambda: is_ready(client), 20, "prometheus")
            yield Prometheus(client)
        finally:
            process.terminate()
            process.wait(20)


def is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/-/ready").is_success
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def gateway(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.url, timeout=30) as client:
        yield client


def predict(gateway: httpx.Client, model: str = CLASSIFIER) -> int:
    query = {"model": model}
    return gateway.post("/predict", params=query, content=PICTURE, headers=PNG).status_code


def test_each_query_for_every_day_gives_numbers(
    gateway: httpx.Client, prometheus: Prometheus
) -> None:
    def ask() -> None:
        assert [predict(gateway, model) for model in (CLASSIFIER, DETECTOR)] == [200, 200]
        assert gateway.get("/models/nobody").status_code == 404

    assert prometheus.silent(QUERIES.keys() - TROUBLE, ask) == set()


def test_no_alert_rings_while_all_is_well(prometheus: Prometheus) -> None:
    assert {name for name in TROUBLE if prometheus.numbers(QUERIES[name])} == set()


def test_the_page_is_read_without_complaint(gateway: httpx.Client, prometheus: Prometheus) -> None:
    (target,) = prometheus.get("targets")["activeTargets"]
    assert (target["health"], target["lastError"]) == ("up", "")
    page = gateway.get("/metrics").content
    lint = [str(PROMTOOL), "check", "metrics"]
    found = subprocess.run(lint, input=page, capture_output=True, check=False)
    assert (found.returncode, found.stderr + found.stdout) == (0, b"")


def test_each_alert_rings_in_its_trouble(
    stack: Stack, gateway: httpx.Client, prometheus: Prometheus
) -> None:
    def overload() -> None:
        with ThreadPoolExecutor(8) as callers:
            assert 503 in callers.map(predict, [gateway] * 16)

    def wait() -> None:
        time.sleep(0.2)

    def ask_in_vain() -> None:
        for _ in range(20):
            predict(gateway)

    assert prometheus.silent({"fovea_shed_total"}, overload) == set()
    stubs = stack.triton().children()
    next(one for one in stubs if any(f"/{DETECTOR}/" in part for part in one.cmdline())).kill()
    assert prometheus.silent({"fovea_breaker_state", "fovea_canaries_total"}, wait) == set()
    assert gateway.post(f"/models/{DETECTOR}/unload").is_success
    assert prometheus.silent({"fovea_models"}, wait) == set()
    stack.triton().kill()
    assert prometheus.silent(TROUBLE, ask_in_vain) == set()
