"""The overlays as kubectl renders them, and what the tests ask of them."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
OVERLAYS = ("cpu", "gpu", "gpu-shared", "gpu-shared/time-slicing", "keda", "kserve")
Object = dict[str, Any]

needs_kubectl = pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="kubectl, which renders the overlays, is not installed"
)
each_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


@dataclass(frozen=True)
class Pod:
    """What runs, whether a Deployment starts it or KServe does."""

    name: str
    labels: dict[str, str]
    spec: Object

    @property
    def containers(self) -> list[Object]:
        """Those that start the pod, and those that stay."""
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]

    @property
    def main(self) -> Object:
        """The one that serves."""
        (container,) = self.spec["containers"]
        return container

    def env(self) -> dict[str, str]:
        """Variables of the one that serves, without those that come from secrets."""
        return {one["name"]: one["value"] for one in self.main.get("env", []) if "value" in one}

    def ports(self) -> dict[str, int]:
        """Named ports of the one that serves."""
        return {port["name"]: port["containerPort"] for port in self.main["ports"]}


@cache
def render(overlay: str) -> tuple[Object, ...]:
    """Every object of an overlay."""
    command = ["kubectl", "kustomize", str(ROOT / "k8s/overlays" / overlay)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "deprecated" not in done.stderr
    return tuple(yaml.safe_load_all(done.stdout))


def of_kind(overlay: str, kind: str) -> list[Object]:
    """The objects of one kind."""
    return [one for one in render(overlay) if one["kind"] == kind]


def named(overlay: str, kind: str, name: str) -> Object:
    """One object."""
    (found,) = (one for one in of_kind(overlay, kind) if one["metadata"]["name"] == name)
    return found


def pods(overlay: str) -> list[Pod]:
    """Every pod that an overlay leads to."""
    found = []
    for one in of_kind(overlay, "Deployment"):
        template = one["spec"]["template"]
        labels = template["metadata"]["labels"]
        found.append(Pod(one["metadata"]["name"], labels, template["spec"]))
    return found + [_of_kserve(overlay, one) for one in of_kind(overlay, "InferenceService")]


def pod(overlay: str, name: str) -> Pod:
    """One of them."""
    (found,) = (one for one in pods(overlay) if one.name == name)
    return found


def _of_kserve(overlay: str, service: Object) -> Pod:
    """KServe lays the predictor's pod over that of its runtime."""
    predictor = service["spec"]["predictor"]
    runtime = named(overlay, "ServingRuntime", predictor["model"]["runtime"])["spec"]
    own = {name: part for name, part in predictor.items() if name not in ("model", "minReplicas")}
    return Pod(service["metadata"]["name"], runtime["labels"], runtime | own)


def selects(selector: Object, labels: dict[str, str]) -> bool:
    """Whether a label selector, of ``matchLabels`` alone, chooses these labels."""
    assert set(selector) <= {"matchLabels"}, selector
    return selector.get("matchLabels", {}).items() <= labels.items()


def walk(part: Any) -> Iterator[Object]:
    """Every mapping within an object."""
    if isinstance(part, dict):
        yield part
        part = list(part.values())
    if isinstance(part, list):
        for item in part:
            yield from walk(item)
