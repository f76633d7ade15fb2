"""Rules, dashboards and runbooks against each other and against the series there are."""

import re
import shutil
import subprocess
from enum import StrEnum

import pytest
import yaml

from monitoring.boards.__main__ import texts
from service.decision import Cached, Reason, Rule
from service.metrics import buckets
from service.settings import Settings
from service.shadow.verdict import Kind
from service.shadow.watcher import Cause
from service.trace import Outcome, Stage
from service.triton.breaker import State
from service.triton.endpoint import Health
from service.triton.translate import Fault
from tests.deploy.monitoring_expressions import (
    DASHBOARDS,
    LABELS,
    MONITORING,
    PROMETHEUS,
    ROOT,
    RULES,
    Expression,
    alerts,
    dashboards,
    expressions,
    family,
    known,
    panels,
    recorded,
    rules,
)

PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="no promtool on this machine: apt-get install prometheus"
)
TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))
RUNBOOKS = (ROOT / "docs/runbooks.md").read_text()
SECTIONS = re.findall(r"^### (\w+)$", RUNBOOKS, re.MULTILINE)
ALERTS = alerts()

CLOSED: dict[str, list[type[StrEnum]]] = {
    "outcome": [Outcome],
    "stage": [Stage],
    "rule": [Rule],
    "reason": [Reason],
    "cause": [Cause],
    "verdict": [Kind],
    "health": [Health],
    "state": [State],
    "fault": [Fault],
    "result": [Cached, Fault],
}
OTHERS = {"result": {"ok"}, "agrees": {"yes", "no"}, "job": {"gateway"}}
OF_A_TARGET = {"instance", "job"}
RECORDED_LABELS = {"model", "version", "slo", "of", "le"}


def promtool(*arguments: object) -> str:
    command = [str(PROMTOOL), *map(str, arguments)]
    done = subprocess.run(command, cwd=PROMETHEUS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_promtool
def test_promtool_finds_no_fault() -> None:
    assert f"{len(RULES)} rule files found" in promtool("check", "config", "prometheus.yml")
    promtool("check", "rules", *RULES)


@needs_promtool
@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_alerts_fire_when_they_should_and_not_before(file) -> None:
    assert "SUCCESS" in promtool("test", "rules", file)


def test_every_alert_is_tested_to_fire_and_not_to() -> None:
    fires, silent = set(), set()
    for file in TESTS:
        for case in yaml.safe_load(file.read_text())["tests"]:
            for check in case["alert_rule_test"]:
                (fires if check.get("exp_alerts") else silent).add(check["alertname"])
    assert fires == ALERTS.keys()
    assert silent == ALERTS.keys()


@pytest.mark.parametrize("alert", ALERTS.values(), ids=ALERTS)
def test_an_alert_says_how_bad_it_is_and_what_to_do(alert: dict) -> None:
    assert alert["labels"].keys() == {"severity"}
    assert alert["labels"]["severity"] in ("page", "ticket", "info")
    told = alert["annotations"]
    assert told.keys() == {"summary", "description", "runbook_url"}
    assert not told["summary"].endswith(".")
    assert told["runbook_url"] == f"docs/runbooks.md#{alert['alert'].lower()}"
    if alert["alert"] != "GatewayDown":  # absent() has neither
        assert re.search(r"\$(value|labels)", told["description"])


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    assert sorted(SECTIONS) == sorted(ALERTS)
    for section in re.split(r"^### ", RUNBOOKS, flags=re.MULTILINE)[1:]:
        for part in ("**Means**", "**Users see**", "**Look**", "**Do**"):
            assert part in section, section[:40]


def test_runbooks_name_series_and_settings_that_there_are() -> None:
    series = set(re.findall(r"\b(?:fovea|nv|process)_[a-z0-9_]+", RUNBOOKS))
    assert {family(name) for name in series} <= known()
    variables = {f"FOVEA_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"\bFOVEA_\w+", RUNBOOKS)) <= variables


@pytest.mark.parametrize("expression", expressions(), ids=lambda one: one.where)
def test_an_expression_asks_for_series_that_there_are(expression: Expression) -> None:
    asked = expression.series()
    assert asked or expression.promql.startswith("vector(")
    assert {family(name) for name in asked} <= known()


@pytest.mark.parametrize("expression", expressions(), ids=lambda one: one.where)
def test_an_expression_asks_for_labels_that_there_are(expression: Expression) -> None:
    for series, label, pattern in expression.matchers():
        name = family(series)
        if name in LABELS:
            has = LABELS[name] | OF_A_TARGET | ({"le"} if series.endswith("_bucket") else set())
            assert label in has, (series, label)
        elif series in recorded():
            assert label in RECORDED_LABELS
        if (label in CLOSED and name in LABELS) or label in OTHERS:
            words = {word for kind in CLOSED.get(label, []) for word in kind}
            assert set(pattern.split("|")) <= words | OTHERS.get(label, set()), (series, pattern)


def test_recorded_series_are_used() -> None:
    used = {name for one in expressions() for name in one.series()}
    assert recorded() <= used


def test_the_slow_edge_is_one_that_the_histogram_has() -> None:
    edges = {str(edge) for edge in buckets(Settings().timeout_seconds)}
    asked = {
        pattern
        for one in expressions()
        for series, label, pattern in one.matchers()
        if label == "le" and series == "fovea_request_seconds_bucket"
    }
    assert asked == {"0.4096"}
    assert asked <= edges


def test_windows_of_one_objective_differ_in_their_length_alone() -> None:
    for slo in ("availability", "latency"):
        for name in ("model:slo_burn:", "model:slo_failed:increase"):
            texts = {
                rule["expr"].replace(f"[{rule['record'].removeprefix(name)}]", "[]")
                for rule in rules()
                if rule.get("record", "").startswith(name) and rule["labels"]["slo"] == slo
            }
            assert len(texts) == 1, texts


def test_the_memory_limit_is_that_of_the_containers() -> None:
    (rule,) = (one for one in rules() if one.get("record") == "gateway:memory_limit:bytes")
    assert rule["expr"] == "vector(1024 * 1024 * 1024)"
    composed = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["gateway"]
    assert composed["deploy"]["resources"]["limits"]["memory"] == "${GATEWAY_MEMORY:-1G}"
    deployment = yaml.safe_load((ROOT / "k8s/base/gateway/deployment.yaml").read_text())
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["limits"]["memory"] == "1Gi"


def test_the_dashboards_are_what_their_description_makes() -> None:
    assert {file: file.read_text() for file in DASHBOARDS} == texts()


@pytest.mark.parametrize("board", dashboards().values(), ids=dashboards())
def test_a_dashboard_can_be_read(board: dict) -> None:
    numbers = [panel["id"] for panel in board["panels"]]
    assert len(set(numbers)) == len(numbers)
    assert "id" not in board  # Grafana would take it for another one
    cells = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        taken = {
            (place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])
        }
        assert not taken & cells, panel["title"]
        assert max(x for x, _ in taken) < 24
        cells |= taken
    for panel in panels(board):
        assert panel["description"].endswith((".", ")")) or "docs/" in panel["description"]
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["datasource"]["uid"] == "${datasource}"


def test_dashboards_link_to_pages_that_there_are() -> None:
    linked = set()
    for board in dashboards().values():
        for panel in panels(board):
            linked |= set(re.findall(r"docs/([\w-]+\.md)(?:#([\w-]+))?", panel["description"]))
    for page, anchor in linked:
        headings = re.findall(r"^#+ (.+)$", (ROOT / "docs" / page).read_text(), re.MULTILINE)
        anchors = {re.sub(r"[^\w -]", "", one).lower().replace(" ", "-") for one in headings}
        assert not anchor or anchor in anchors, (page, anchor)


def test_grafana_is_given_what_the_dashboards_need() -> None:
    folder = MONITORING / "grafana/provisioning"
    (source,) = yaml.safe_load((folder / "datasources/prometheus.yml").read_text())["datasources"]
    assert source["uid"] == "prometheus"
    scraped = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["global"]
    assert source["jsonData"]["timeInterval"] == scraped["scrape_interval"]
    for board in dashboards().values():
        (variable,) = (one for one in board["templating"]["list"] if one["name"] == "datasource")
        assert variable["current"]["value"] == source["uid"]
