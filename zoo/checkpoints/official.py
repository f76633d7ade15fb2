"""Whole networks from the checkpoints that others published."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from zoo.checkpoints.detectors import DETECTOR_SOURCES, DetectorSource, restore_detector
from zoo.checkpoints.graft import kept_entries
from zoo.checkpoints.naming import Rules, renamed
from zoo.checkpoints.restored import Restored
from zoo.checkpoints.sources import SOURCES, Source
from zoo.checkpoints.state import CheckpointError, State, load, unwrap
from zoo.classifiers import ARCHITECTURES, Classifier, create
from zoo.registry import Table

EVERY: Table[Source | DetectorSource] = Table("published network")
for _table in (SOURCES, DETECTOR_SOURCES):
    for _name in _table:
        EVERY.add(_name, _table[_name])


def from_official(  # noqa: PLR0913 - each is a choice of its own
    source: str,
    state_dict: Mapping[str, Any],
    *,
    num_classes: int | None = None,
    image_size: int | tuple[int, int] | None = None,
    attention: str | None = None,
    norm_eps: float | None = None,
) -> nn.Module:
    """The core network of a published checkpoint: normalised float images in.

    Classifiers answer logits, detectors the tuple of zoo.detectors.Detector, whose classes are
    those of the checkpoint: in the two-stage ones 0 is the background and never answered. In eval
    mode and in the precision of the weights, which are copied. The number of classes and the
    hyper-parameters of the attention come from the shapes. A wrapper with ``state_dict`` and
    names with ``module.`` are understood, and batch counters may be missing.

    Args:
        source: the published network, such as ``simam_resnet50`` or ``fasterrcnn_resnet50_fpn``;
            zoo.checkpoints.sources has the classifiers, zoo.checkpoints.detectors the others.
        state_dict: its entries under their published names.
        num_classes: to be compared with the shapes; a background counts.
        image_size: of a detector, pixels or height and width; 800 if left out. The weights fit
            every size.
        attention: for the plain ``torchvision_*`` networks and the detectors, a mechanism to put
            in at its default place and initialisation.
        norm_eps: of a detector's batch norms, instead of 1e-5. The weights that torchvision
            publishes for COCO as V1 want 0.

    Raises:
        UnknownNameError: there is no such source or mechanism.
        CheckpointError: entries are missing, unexpected or of another shape; all are named. Or
            ``num_classes`` is not that of the checkpoint, the image is smaller than 32 pixels,
            ``attention`` was given for a source that has its own, or a classifier was given what
            is for detectors.
    """
    return restore(
        source,
        state_dict,
        num_classes=num_classes,
        image_size=image_size,
        attention=attention,
        norm_eps=norm_eps,
    ).network


def restore(  # noqa: PLR0913 - likewise
    source: str,
    document: Mapping[str, Any],
    *,
    num_classes: int | None = None,
    image_size: int | tuple[int, int] | None = None,
    attention: str | None = None,
    norm_eps: float | None = None,
) -> Restored:
    """As ``from_official``, with a report and what it takes to build the network again."""
    origin = EVERY[source]
    state = unwrap(document)
    if isinstance(origin, DetectorSource):
        return restore_detector(
            source,
            state,
            num_classes=num_classes,
            image_size=image_size,
            attention=attention,
            norm_eps=norm_eps,
        )
    for word, value in (("image_size", image_size), ("norm_eps", norm_eps)):
        if value is not None:
            raise CheckpointError(f"{source} is a classifier; only detectors take {word}")
    restored = _restore_classifier(source, origin, state, attention)
    if num_classes not in (None, restored.num_classes):
        raise CheckpointError(
            f"num_classes is {num_classes}, but this {source} has {restored.num_classes} classes"
        )
    return restored


def _restore_classifier(
    source: str, origin: Source, state: State, attention: str | None
) -> Restored:
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
        name=name,
        options=options,
        num_classes=num_classes,
        image_size=origin.image_size,
        shorter_side=origin.shorter_side,
    )


def _num_classes(state: State, rules: Rules) -> int:
    weight = state.get(renamed("classifier.0.weight", rules))
    return 2 if weight is None else len(weight)  # `load` will name the missing entry
