"""What there is to say about a model: a line for ``list``, everything for ``info``."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from contract.recipe import Figure
from zoo import weights
from zoo.cards.detector import DetectorCard
from zoo.cards.kinds import AnyCard
from zoo.classifiers import ARCHITECTURES
from zoo.costs.complexity import Cost, cost
from zoo.detectors import DETECTORS
from zoo.networks import architecture, create


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of ``list``."""

    name: str
    task: str  # a value of contract.recipe.Task
    architecture: str
    attention: str
    place: str  # a value of zoo.places.Place
    where: str  # the same in words
    paper: str | None
    weights: str | None  # what they were trained on; None: there are none
    test_accuracy: Figure | None  # None: nobody measured it here
    test_ap: Figure | None  # of a detector, COCO's; None likewise


@dataclass(frozen=True, slots=True, kw_only=True)
class Info(Entry):
    """An entry, and what its network costs on one image.

    Where there are no weights, size and classes are those that it is usually built for.
    """

    image_size: int | tuple[int, int]  # pixels; height and width where they differ
    num_classes: int
    options: Mapping[str, Any]  # further arguments of zoo.create
    cost: Cost


def names(folder: Path) -> list[str]:
    """Every classifier, then what else there are weights for in ``folder``: see `detectors`."""
    others = {path.stem for path in folder.glob("*.json")}.difference(ARCHITECTURES)
    return [*ARCHITECTURES, *sorted(others)]


def detectors() -> list[str]:
    """Every detector; they are too many for the usual list."""
    return list(DETECTORS)


def entry(name: str, folder: Path) -> Entry:
    """The line of ``name``, with the accuracy of its weights in ``folder``.

    Raises:
        UnknownNameError: no such model.
        WeightsError: its card cannot be read.
    """
    return Entry(**_entry(name, _card(name, folder)))


def info(name: str, folder: Path) -> Info:
    """Everything about ``name``; raises as ``entry`` does."""
    card = _card(name, folder)
    network = card.network if card else name
    size = card or architecture(network)
    options = card.options if card else {}
    with torch.device("meta"):
        built = create(network, num_classes=size.num_classes, image_size=size.image_size, **options)
    return Info(
        **_entry(name, card),
        image_size=size.image_size,
        num_classes=size.num_classes,
        options=options,
        cost=cost(built, size.image_size),
    )


def _entry(name: str, card: AnyCard | None) -> dict[str, Any]:
    model = architecture(card.network if card else name)
    place = model.mechanism.place_in(model.backbone.family)
    return {
        "name": name,
        "task": model.task.value,
        "architecture": card.architecture if card else model.title_of(),
        "attention": model.attention,
        "place": place.value,
        "where": place.where,
        "paper": model.mechanism.paper,
        "weights": card.summary().data if card else None,
        "test_accuracy": card.test_accuracy if card else None,
        "test_ap": card.test_precision.ap if isinstance(card, DetectorCard) else None,
    }


def _card(name: str, folder: Path) -> AnyCard | None:
    return weights.read_card(name, folder) if (folder / f"{name}.json").exists() else None
