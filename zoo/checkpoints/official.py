"""Whole networks from the checkpoints that others published."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from zoo.checkpoints.graft import kept_entries
from zoo.checkpoints.naming import Rules, renamed
from zoo.checkpoints.sources import SOURCES, Source
from zoo.checkpoints.state import CheckpointError, Report, State, load, unwrap
from zoo.classifiers import ARCHITECTURES, Classifier, create


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A network with a checkpoint's weights, and how to build it again."""

    network: Classifier
    report: Report
    origin: Source
    name: str  # of the zoo's architecture
    options: Mapping[str, Any]  # arguments of zoo.create besides num_classes and image_size
    num_classes: int


def from_official(
    source: str, state_dict: Mapping[str, Any], *, attention: str | None = None
) -> nn.Module:
    """The core network of a published checkpoint: normalised float images in, logits out.

    In eval mode and in the precision of the weights, which are copied. The number of classes and
    the hyper-parameters of the attention come from the shapes. A wrapper with ``state_dict`` and
    names with ``module.`` are understood, and batch counters may be missing.

    Args:
        source: the published network, such as ``simam_resnet50``; zoo.checkpoints.sources has all.
        state_dict: its entries under their published names.
        attention: for the plain ``torchvision_*`` networks, a mechanism to put in at its default
            place and initialisation.

    Raises:
        UnknownNameError: there is no such source or mechanism.
        CheckpointError: entries are missing, unexpected or of another shape; all are named. Or
            ``attention`` was given for a source that has its own.
    """
    return restore(source, state_dict, attention=attention).network


def restore(source: str, document: Mapping[str, Any], *, attention: str | None = None) -> Restored:
    """As ``from_official``, with a report and what it takes to build the network again."""
    origin = SOURCES[source]
    state = unwrap(document)
    if attention is not None and origin.attention != "none":
        raise CheckpointError(f"{source} has attention {origin.attention!r}; ask for no other")
    name = f"{origin.backbone}_{attention or origin.attention}"
    hyper = origin.hyper(state)
    options = {**origin.options, **({"attention": hyper} if hyper else {})}
    num_classes = _num_classes(state, origin.rules)

    def build(architecture: str) -> Classifier:
        size = origin.image_size
        return create(architecture, num_classes=num_classes, image_size=size, **options)

    network = build(name)
    kept = {key: key for key in network.state_dict()}
    spare: set[str] = set()
    if attention is not None:
        with torch.device("meta"):
            plain = build(f"{origin.backbone}_none")
        kept = kept_entries(plain, network, ARCHITECTURES[name].mechanism.layer)
        spare = {renamed(key, origin.rules) for key in plain.state_dict()}
    names = {ours: renamed(key, origin.rules) for ours, key in kept.items()}
    report = load(network, state, names, spare=spare)
    network.eval()
    return Restored(
        network=network,
        report=report,
        origin=origin,
        name=name,
        options=options,
        num_classes=num_classes,
    )


def _num_classes(state: State, rules: Rules) -> int:
    weight = state.get(renamed("classifier.0.weight", rules))
    return 2 if weight is None else len(weight)  # `load` will name the missing entry
