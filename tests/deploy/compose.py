"""The compose files as data, each as it stands and all of a stack as Compose merges them."""

from pathlib import Path
from typing import Any

import yaml

from tests.test_imports import ROOT

BASE = "docker-compose.yml"
GPU = "docker-compose.gpu.yml"
DCGM = "docker-compose.dcgm.yml"
PORTS = "docker-compose.ports.yml"
FILES = (BASE, GPU, DCGM, PORTS)
LASTING = ("triton", "gateway", "prometheus", "grafana")
TASKS = ("secrets", "exporter")
Service = dict[str, Any]


class _Reset:
    """What Compose's ``!reset`` leaves: nothing, whatever the file below says."""


class _Loader(yaml.SafeLoader):
    """YAML with Compose's own two tags."""


def _plain(loader: _Loader, node: yaml.Node) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    return loader.construct_scalar(node)  # type: ignore[arg-type]


_Loader.add_constructor("!reset", lambda *_: _Reset())
_Loader.add_constructor("!override", _plain)


def load(name: str) -> dict[str, Any]:
    """A file without what it resets."""
    document: dict[str, Any] = yaml.load((ROOT / name).read_text(), _Loader)
    for service in document["services"].values():
        for key in [key for key, value in service.items() if isinstance(value, _Reset)]:
            del service[key]
    return document


def services(name: str) -> dict[str, Service]:
    """The services of a file."""
    found: dict[str, Service] = load(name)["services"]
    return found


def text_of_all() -> str:
    """All files, one after the other."""
    return "".join((ROOT / name).read_text() for name in FILES)


def seconds(duration: str) -> int:
    """Of a Compose duration in seconds."""
    return int(duration.removesuffix("s"))


def source_of(volume: str) -> Path:
    """The path on this machine of a bind mount."""
    return ROOT / volume.partition(":")[0]
