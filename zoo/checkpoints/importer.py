"""Brings a checkpoint file into the zoo, as safetensors and a card, so that it can be served."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from zoo import weights
from zoo.cards.imported import ImportedCard
from zoo.checkpoints.official import restore
from zoo.checkpoints.state import COUNTER, CheckpointError, Report
from zoo.networks import architecture
from zoo.storage import serialise

NOT_USED = "N/A"  # COCO's lists call so each of the ids between 1 and 90 that have no class


def import_checkpoint(  # noqa: PLR0913 - each is a choice of its own
    source: str,
    file: Path,
    name: str,
    *,
    folder: Path = weights.FOLDER,
    attention: str | None = None,
    labels: Path | None = None,
    image_size: int | tuple[int, int] | None = None,
    norm_eps: float | None = None,
) -> Report:
    """Store the checkpoint ``file`` in ``folder`` as the float32 weights ``name``, with a card.

    Args:
        source: the published network, such as ``simam_resnet50``.
        file: safetensors, or a pickle of tensors and plain values; nothing in it is executed.
        name: what the zoo and Triton will call it.
        folder: where weights are kept.
        attention: a mechanism to put into a plain ``torchvision_*`` network or a detector.
        labels: a text file with one name a line, in the order of the class ids; without it the
            classes are called ``class_0``, ``class_1``, … Ids that the lists for COCO call
            "N/A" become "N/A (12)" and so on.
        image_size: of a detector, pixels or height and width; 800 if left out.
        norm_eps: of a detector's batch norms, instead of 1e-5.

    Raises:
        UnknownNameError: there is no such source or mechanism.
        CheckpointError: the name is taken or impossible, the file cannot be read or does not fit,
            or the labels or the image size do not.
        OSError: a file cannot be opened.
    """
    _refuse_name(name, folder)
    restored = restore(
        source, read(file), attention=attention, image_size=image_size, norm_eps=norm_eps
    )
    restored.network.float()
    content = serialise(restored.network.state_dict())
    network = architecture(restored.name)
    card = ImportedCard(
        name=name,
        source=source,
        network=restored.name,
        options=restored.options,
        architecture=network.title_of(restored.options.get("form")),
        attention=network.attention,
        num_classes=restored.num_classes,
        image_size=restored.image_size,
        shorter_side=restored.shorter_side,
        labels=_labels(labels, restored.num_classes),
        parameters=sum(p.numel() for p in restored.network.parameters()),
        newly_initialised=_without_counters(restored.report.fresh),
        file=file.name,
        file_sha256=weights.fingerprint(file.read_bytes()),
        imported_on=datetime.now(UTC).date().isoformat(),
        weights_sha256=weights.fingerprint(content),
    )
    weights.save(content, card, folder)
    return restored.report


def read(file: Path) -> Mapping[str, Any]:
    """What ``file`` holds, on the CPU.

    Raises:
        CheckpointError: it is damaged, no mapping, or holds more than tensors and plain values.
        OSError: it cannot be opened.
    """
    try:
        if file.suffix == ".safetensors":
            return safetensors.torch.load(file.read_bytes())
        document = torch.load(file, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # a damaged pickle can raise anything
        raise CheckpointError(
            f"{file} cannot be read as tensors ({_first_line(error)}); "
            "save its state_dict alone, with torch.save or as .safetensors"
        ) from error
    if not isinstance(document, Mapping):
        raise CheckpointError(f"{file} holds a {type(document).__name__}; save a state_dict")
    return document


def _without_counters(entries: tuple[str, ...]) -> int:
    return sum(not entry.endswith(COUNTER) for entry in entries)


def _labels(file: Path | None, num_classes: int) -> tuple[str, ...]:
    if file is None:
        return tuple(f"class_{class_id}" for class_id in range(num_classes))
    labels = tuple(
        f"{NOT_USED} ({class_id})" if label == NOT_USED else label
        for class_id, label in enumerate(file.read_text().splitlines())
    )
    if len(labels) != num_classes:
        raise CheckpointError(
            f"{file} has {len(labels)} lines; the network has {num_classes} classes"
        )
    if len(set(labels)) < num_classes:
        raise CheckpointError(f"{file} repeats a name; each class needs its own")
    return labels


def _refuse_name(name: str, folder: Path) -> None:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
        raise CheckpointError(f"the name {name!r} must be letters, digits and `_`, `.`, `-`")
    if weights.exist(name, folder):
        raise CheckpointError(f"{folder} has weights called {name}; choose another name")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
