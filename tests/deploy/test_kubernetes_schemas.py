"""Every object fits the schema of its kind: of two versions of Kubernetes, and of its operator."""

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from tests.deploy.kubernetes import OVERLAYS, Object, each_overlay, named, needs_kubectl, render

SCHEMAS = Path(__file__).parent / "schemas/kubernetes"
VERSIONS = ("1.33", "1.37")
CUSTOM = {
    ("keda.sh/v1alpha1", "ScaledObject"): "keda.ScaledObject",
    ("monitoring.coreos.com/v1", "PrometheusRule"): "prometheus-operator.PrometheusRule",
    ("monitoring.coreos.com/v1", "ServiceMonitor"): "prometheus-operator.ServiceMonitor",
    ("serving.kserve.io/v1alpha1", "ServingRuntime"): "kserve.V1alpha1ServingRuntime",
    ("serving.kserve.io/v1beta1", "InferenceService"): "kserve.V1beta1InferenceService",
}
each_version = pytest.mark.parametrize("version", VERSIONS)
pytestmark = needs_kubectl


def definition(one: Object) -> str:
    """The name of the schema of an object's kind."""
    version, kind = one["apiVersion"], one["kind"]
    if (version, kind) in CUSTOM:
        return CUSTOM[version, kind]
    group, _, number = version.rpartition("/")
    return f"io.k8s.api.{group.removesuffix('.k8s.io') or 'core'}.{number}.{kind}"


@cache
def definitions(version: str) -> dict[str, Any]:
    files = (SCHEMAS / f"v{version}.json", SCHEMAS / "custom.json")
    ours, customs = (json.loads(file.read_text())["$defs"] for file in files)
    return ours | customs


@cache
def validator(version: str, name: str) -> jsonschema_rs.Validator:
    assert name in definitions(version), f"Kubernetes {version} has no {name}"
    schema = {"$ref": f"#/$defs/{name}", "$defs": definitions(version)}
    return jsonschema_rs.validator_for(schema)


def faults(one: Object, version: str) -> list[str]:
    found = validator(version, definition(one)).iter_errors(one)
    return [f"{'/'.join(map(str, error.instance_path))}: {error.message}" for error in found]


@needs_kubectl
@each_version
@each_overlay
def test_every_object_fits_its_schema(overlay: str, version: str) -> None:
    found = {one["metadata"]["name"]: faults(one, version) for one in render(overlay)}
    assert not any(found.values()), found


@each_version
@pytest.mark.parametrize(
    ("overlay", "kind", "name", "path"),
    [
        ("cpu", "Deployment", "gateway", "spec.template.spec.containers.0.readynessProbe"),
        ("cpu", "Service", "gateway", "spec.port"),
        ("cpu", "NetworkPolicy", "gateway", "spec.ingress.0.ports.0.name"),
        ("cpu", "HorizontalPodAutoscaler", "gateway", "spec.behavior.scaleDown.seconds"),
        ("keda", "ScaledObject", "triton", "spec.triggers.0.threshold"),
        ("keda", "ScaledObject", "triton", "spec.advanced.behavior"),
        ("keda", "ServiceMonitor", "triton", "spec.endpoints.0.portName"),
        ("keda", "PrometheusRule", "fovea", "spec.groups.0.rules.0.severity"),
        ("kserve", "ServingRuntime", "fovea-triton", "spec.containers.0.port"),
        ("kserve", "InferenceService", "triton", "spec.predictor.model.format"),
    ],
)
def test_a_misplaced_field_is_seen(
    overlay: str, kind: str, name: str, path: str, version: str
) -> None:
    wrong = copy.deepcopy(named(overlay, kind, name))
    *way, last = path.split(".")
    part: Any = wrong
    for step in way:
        part = part[int(step) if step.isdigit() else step]
    part[last] = {}
    assert any(last in fault for fault in faults(wrong, version))


def test_no_object_is_too_large_for_the_annotation_of_kubectl_apply() -> None:
    sizes = {
        one["metadata"]["name"]: len(json.dumps(one)) for name in OVERLAYS for one in render(name)
    }
    assert max(sizes.values()) < 256 * 1024, sizes
