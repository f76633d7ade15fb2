"""Checkpoints to load: those of the reference data, and states of the right names and shapes."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.zoo.fill import filled_state
from zoo.checkpoints.naming import renamed
from zoo.checkpoints.sources import SOURCES
from zoo.classifiers import create

FOLDER = Path(__file__).parents[4] / "shared/golden/networks"
SEED = "seed_simam_mobilenetv2_c320"  # the smallest network
OTHER_FAMILIES = ("caffe_", "psa_")  # networks that the zoo does not have
Shapes = dict[str, tuple[int, ...]]


def named(kind: str) -> list[Any]:
    """Parameters for a test: the networks with a ``.<kind>.json``, or one that is skipped."""
    names = sorted(path.name.split(".")[0] for path in FOLDER.glob(f"*.{kind}.json"))
    ours = [n for n in names if "cifar" not in n and not n.startswith(OTHER_FAMILIES)]
    absent = pytest.mark.skip(reason=f"{FOLDER} is absent: the reference data is not shipped")
    return ours or [pytest.param("none", marks=absent)]


def document(name: str, kind: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((FOLDER / f"{name}.{kind}.json").read_text())
    return read


def shapes(name: str) -> Shapes:
    return {key: tuple(shape) for key, shape in document(name, "keys")["keys"]}


def shapeful(entries: Shapes) -> dict[str, Tensor]:
    """A state_dict without content."""
    return {key: torch.empty(shape, device="meta") for key, shape in entries.items()}


def checkpoint(name: str) -> dict[str, Tensor]:
    """The state that the expected logits of ``name`` belong to, under its published keys."""
    expected = document(name, "expect")
    return filled_state(shapes(name), salt=expected["S"], gain=expected["gain"])


def published(source: str, num_classes: int = 6) -> dict[str, Tensor]:
    """A state of the right names and shapes, read off the network that we build for ``source``."""
    origin = SOURCES[source]
    hyper = {"bias": True} if source.startswith("insight") else {}
    with torch.device("meta"):
        network = create(
            f"{origin.backbone}_{origin.attention}",
            num_classes=num_classes,
            image_size=origin.image_size,
            **{"attention": hyper, **origin.options},
        )
    state = network.state_dict()
    return {renamed(key, origin.rules): value for key, value in state.items()}


def seed_checkpoint() -> dict[str, Tensor]:
    entries = {key: tuple(value.shape) for key, value in published(SEED).items()}
    return filled_state(entries, salt=101, gain=1.4)


def published_on_cpu(source: str) -> dict[str, Tensor]:
    return {key: torch.zeros(value.shape) for key, value in published(source).items()}
