"""Put Prometheus' rule files into the operator's form: `python k8s/scripts/prometheus_rule.py`.

The operator takes rules as a resource of its own, which kustomize cannot make of plain rule files.
`tests/deploy/test_kubernetes_monitoring.py` holds the two against each other.
"""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
RULES = ROOT / "monitoring/prometheus/rules"
WRITTEN = ROOT / "k8s/components/monitoring/prometheusrule.yaml"
HEAD = (
    "# Written by k8s/scripts/prometheus_rule.py of monitoring/prometheus/rules: change it there.\n"
)


def resource() -> dict[str, Any]:
    """The groups of all rule files as one PrometheusRule."""
    files = [yaml.safe_load(file.read_text()) for file in sorted(RULES.glob("*.yml"))]
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {
            "name": "fovea",
            "namespace": "fovea",
            "labels": {"app.kubernetes.io/name": "fovea", "app.kubernetes.io/part-of": "fovea"},
        },
        "spec": {"groups": [group for file in files for group in file["groups"]]},
    }


class _Dumper(yaml.SafeDumper):
    """Expressions of several lines stay lines."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def text() -> str:
    """The file."""
    return HEAD + yaml.dump(resource(), Dumper=_Dumper, sort_keys=False, width=100)


if __name__ == "__main__":
    WRITTEN.write_text(text())
