"""What the operator is told is what Prometheus and Grafana have elsewhere."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from k8s.scripts import prometheus_rule
from tests.deploy.kubernetes import ROOT, named, needs_kubectl, of_kind

PROMTOOL = shutil.which("promtool")
BOARDS = ROOT / "monitoring/grafana/dashboards"


def test_the_rules_are_those_of_prometheus() -> None:
    written = yaml.safe_load(prometheus_rule.WRITTEN.read_text())
    assert written == prometheus_rule.resource(), "run python k8s/scripts/prometheus_rule.py"


@needs_kubectl
def test_rules_keep_their_names_apart() -> None:
    groups = named("keda", "PrometheusRule", "fovea")["spec"]["groups"]
    names = [group["name"] for group in groups]
    assert len(names) == len(set(names)) > 1


@needs_kubectl
def test_each_dashboard_comes_along() -> None:
    found = {
        name: json.loads(text)
        for one in of_kind("keda", "ConfigMap")
        if one["metadata"]["labels"].get("grafana_dashboard") == "1"
        for name, text in one["data"].items()
    }
    assert found == {file.name: json.loads(file.read_text()) for file in BOARDS.glob("*.json")}


@needs_kubectl
def test_monitors_find_the_services_and_give_the_jobs_that_rules_ask_for() -> None:
    jobs = {}
    for monitor in of_kind("keda", "ServiceMonitor"):
        spec = monitor["spec"]
        (service,) = (
            one
            for one in of_kind("keda", "Service")
            if spec["selector"]["matchLabels"].items() <= one["metadata"]["labels"].items()
        )
        (endpoint,) = spec["endpoints"]
        assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
        jobs[service["metadata"]["labels"][spec["jobLabel"]]] = service["metadata"]["name"]
    assert jobs == {"gateway": "gateway", "triton": "triton-headless"}
    rules = json.dumps(prometheus_rule.resource())
    asked = set(re.findall(r'job="(\w+)"', rules.replace("\\", "")))
    assert asked <= set(jobs)


@needs_kubectl
@pytest.mark.skipif(PROMTOOL is None, reason="no promtool on this machine")
def test_demand_is_asked_for_in_promql(tmp_path: Path) -> None:
    triggers = named("keda", "ScaledObject", "triton")["spec"]["triggers"]
    rules = [{"record": one["name"], "expr": one["metadata"]["query"]} for one in triggers]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "keda", "rules": rules}]}))
    done = subprocess.run([str(PROMTOOL), "check", "rules", str(file)], check=False)
    assert done.returncode == 0
