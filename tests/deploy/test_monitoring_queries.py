"""Every query of rules and dashboards, asked of a real Prometheus that scrapes a real stack.

Nobody waits hours here: Prometheus looks twice a second, last week was two seconds ago, and few
images are many.
"""

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from tests.deploy.monitoring_expressions import (
    ON_GPUS,
    PROMETHEUS,
    RULES,
    TRITON,
    Expression,
    alerts,
    expressions,
)
from tests.e2e.stack import Stack, free_port, serve
from tests.e2e.test_promql import CHOICES, Prometheus, watching
from tests.images import encode, quarters
from tests.service.test_metrics_page import PAGE, ROW

SERVER = shutil.which("prometheus")
pytestmark = pytest.mark.skipif(
    SERVER is None, reason="no prometheus on this machine: apt-get install prometheus"
)

DETECTOR = "retinanet_mbv2_simam"
MODELS = ("mbv2_simam", "mbv2_none", DETECTOR)
PICTURE = encode(quarters())
PNG = {"content-type": "image/png"}
PATIENCE_SECONDS = 30

ROUTES = f"""
[routes.signs]
to = {{ "mbv2_simam" = 50, "mbv2_none" = 50 }}
[routes.signs.shadow]
to = "mbv2_none"
share = 1.0
busy = 1.0
[routes.watched]
to = "mbv2_simam"
[routes.watched.shadow]
to = "mbv2_none"
share = 1.0
busy = 1.0
[routes.boxes]
to = "{DETECTOR}"
[routes.guarded]
to = "mbv2_none"
fallback = ["mbv2_simam"]
"""
SETTINGS = {
    "FOVEA_CACHE_BYTES": "1000000",
    "FOVEA_CANARY_SECONDS": "1",
    "FOVEA_CATALOG_REFRESH_SECONDS": "0.5",
    "FOVEA_MODEL_CONTROL": "true",
}

# Queries that rightly find nothing here, by a word of them.
MAY_BE_EMPTY = {
    **dict.fromkeys(ON_GPUS, "there is no GPU"),
    "fovea_retries": "no inference has to be tried again",
    "fovea_breaker_state": "no model breaks",
    "fovea_shadow_iou": "no two detectors are compared",
    "fovea_shadow_missed_boxes_total": "likewise",
    "fovea_shadow_extra_boxes_total": "likewise",
    "fovea_shadow_failures_total": "no candidate fails",
    "fovea_shadow_dropped_total": "every image is shown",
    'stage="draw"': "nobody asks for a picture",
    "ALERTS": "all is well",
}


def hasty(promql: str) -> str:
    """The same where a week is two seconds, and a few images are many."""
    return promql.replace("offset 1w", "offset 2s").replace("> 500", "> 0")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("monitored")
    (folder / "routes.toml").write_text(ROUTES)
    settings = SETTINGS | {"FOVEA_ROUTES_FILE": str(folder / "routes.toml")}
    with serve(folder / "log", ",".join(MODELS), **settings) as running:
        yield running


def configured(folder: Path, stack: Stack) -> None:
    """The project's own configuration, with the addresses of ``stack``."""
    places = {
        "gateway:8080": stack.url.removeprefix("http://"),
        "triton:8002": f"127.0.0.1:{stack.triton_port('metrics')}",
    }
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    config["global"] = dict.fromkeys(
        ("scrape_interval", "scrape_timeout", "evaluation_interval"), "500ms"
    )
    for job in config["scrape_configs"]:
        for static in job.get("static_configs", []):
            static["targets"] = [places.get(one, one) for one in static["targets"]]
    (folder / "rules").mkdir()
    for file in RULES:
        quick = re.sub(r"\n +interval: \w+", "\n    interval: 500ms", hasty(file.read_text()))
        (folder / "rules" / file.name).write_text(quick)
    shutil.copytree(PROMETHEUS / "targets", folder / "targets")
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))


@pytest.fixture(scope="module")
def prometheus(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    folder, port = tmp_path_factory.mktemp("prometheus"), free_port()
    configured(folder, stack)
    file = folder / "prometheus.yml"
    file.write_text(file.read_text().replace("localhost:9090", f"127.0.0.1:{port}"))
    with watching(stack, folder, "prometheus.yml", port) as running:
        yield running


def ask(gateway: httpx.Client) -> None:
    """One request of each kind: cached or not, routed or not, a fallback, a mistake."""
    for query in (
        {"model": "signs"},
        {"model": "signs", "route_key": "me"},
        {"model": "watched"},
        {"model": "boxes"},
        *({"model": name} for name in MODELS),
    ):
        gateway.post("/predict", params=query, content=PICTURE, headers=PNG)
        fresh = PNG | {"cache-control": "no-cache"}
        gateway.post("/predict", params=query, content=PICTURE, headers=fresh)
    assert gateway.post("/predict", params={"model": "nobody"}, content=PICTURE).is_client_error


def fall_back(gateway: httpx.Client) -> None:
    assert gateway.post("/models/mbv2_none/unload").is_success
    for _ in range(2):
        answer = gateway.post("/predict", params={"model": "guarded"}, content=PICTURE, headers=PNG)
        assert answer.json()["model"] == "mbv2_simam"
        time.sleep(1.2)
    assert gateway.post("/models/mbv2_none/load").is_success


def test_no_reason_to_be_empty_is_left_over() -> None:
    asked = " ".join(one.promql for one in expressions())
    unused = {word for word in MAY_BE_EMPTY if word not in asked}
    assert unused == set()


def reason_to_be_empty(expression: Expression) -> str | None:
    return next((why for word, why in MAY_BE_EMPTY.items() if word in expression.promql), None)


@pytest.fixture(scope="module")
def busy(stack: Stack, prometheus: Prometheus) -> Iterator[httpx.Client]:
    """A gateway that has been asked all sorts of things, twice, with a scrape between."""
    with httpx.Client(base_url=stack.url, timeout=30) as gateway:
        ask(gateway)
        time.sleep(1.2)
        ask(gateway)
        fall_back(gateway)
        yield gateway


def test_every_query_finds_what_it_asks_for(busy: httpx.Client, prometheus: Prometheus) -> None:
    """Those of alerts are only asked: whether they fire is promtool's to test."""
    promql = {one.where: hasty(one.plain()) for one in expressions()}
    left = {one.where for one in expressions() if not one.alert and reason_to_be_empty(one) is None}
    for where in promql.keys() - left:
        prometheus.get("query", query=promql[where])
    end = time.monotonic() + PATIENCE_SECONDS
    while left and time.monotonic() < end:
        ask(busy)
        left = {where for where in left if not prometheus.numbers(promql[where])}
    assert left == set()


def test_so_do_the_queries_about_choices_on_the_page_of_metrics(
    busy: httpx.Client, prometheus: Prometheus
) -> None:
    promql = {name: query for name, _, _, query in ROW.findall(PAGE) if name.startswith(CHOICES)}
    promql["fovea_fallbacks_total"] = promql["fovea_fallbacks_total"].removesuffix(" > 0")
    left = {
        name for name, query in promql.items() if not any(word in query for word in MAY_BE_EMPTY)
    }
    left.remove("fovea_shadow_compared_total")  # asks for disagreement, and of this picture is none
    assert len(left) > len(CHOICES)
    end = time.monotonic() + PATIENCE_SECONDS
    while left and time.monotonic() < end:
        ask(busy)
        left = {name for name in left if not prometheus.numbers(promql[name])}
    assert left == set()


def test_rules_are_evaluated_without_fault_and_no_alert_fires(
    busy: httpx.Client, prometheus: Prometheus
) -> None:
    groups = prometheus.get("rules")["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert {rule["name"] for rule in rules} >= alerts().keys()
    assert {(rule["name"], rule["lastError"]) for rule in rules if rule.get("lastError")} == set()
    assert {rule["health"] for rule in rules} == {"ok"}
    fires = [rule["name"] for rule in rules if rule.get("state") == "firing"]
    assert fires == []


def test_every_target_is_up(prometheus: Prometheus) -> None:
    targets = prometheus.get("targets")["activeTargets"]
    assert {one["labels"]["job"] for one in targets} == {"gateway", "triton", "prometheus"}
    assert {(one["health"], one["lastError"]) for one in targets} == {("up", "")}


def test_triton_shows_the_series_that_are_listed(stack: Stack, busy: httpx.Client) -> None:
    page = httpx.get(f"http://127.0.0.1:{stack.triton_port('metrics')}/metrics").text
    assert set(re.findall(r"^# TYPE (nv_\w+)", page, re.MULTILINE)) >= TRITON
