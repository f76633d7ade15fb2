"""A network with its weights and the recipe that goes with them, ready to be exported."""

from dataclasses import dataclass, replace
from pathlib import Path

import zoo
from contract.recipe import Recipe, Task
from zoo import weights
from zoo.cards.kinds import AnyCard
from zoo.classifiers import Classifier
from zoo.costs.complexity import cost
from zoo.detectors import Detector
from zoo.export.fresh import fresh
from zoo.export.probes import Size
from zoo.export.recipes import recipe
from zoo.export.wrap import Served, served
from zoo.networks import architecture
from zoo.signs import dataset, scenes
from zoo.weights import WeightsError


@dataclass(frozen=True, slots=True, kw_only=True)
class Servable:
    """What the exporter needs to know about one model."""

    name: str
    served: Served
    recipe: Recipe


def trained(name: str, folder: Path = weights.FOLDER) -> Servable:
    """The model ``name`` with its weights from ``folder``; labels and size come from their card.

    Raises:
        UnknownNameError: no such model.
        WeightsError: there are no weights for it, or they are not those of their card, or those
            of a network that was defined otherwise.
    """
    if not weights.exist(name, folder):
        architecture(name)  # a misspelt name is told so, not that weights are missing
    card = weights.read_card(name, folder)
    network = _network(card)
    try:
        network.load_state_dict(weights.load(name, folder))
    except RuntimeError as error:  # keys or shapes that do not fit
        raise WeightsError(f"the weights of {name} no longer fit it; train it again") from error
    return Servable(name=name, served=served(network), recipe=_recipe(card, network))


def untrained(name: str) -> Servable:
    """The model ``name`` for the demo task, with fresh weights that are the same every time.

    Raises:
        UnknownNameError: no such model.
    """
    detects = architecture(name).task is Task.DETECTION
    labels = scenes.LABELS if detects else dataset.LABELS
    side = scenes.SIDE if detects else dataset.SIDE
    network = fresh(name, num_classes=len(labels), image_size=side)
    model = unmeasured(name, network, labels=labels, image_size=side)
    return replace(model, recipe=replace(model.recipe, untrained=True))


def unmeasured(
    name: str, network: Classifier | Detector, *, labels: tuple[str, ...], image_size: Size
) -> Servable:
    """``network`` as it is, under the name ``name``; nobody vouches for its weights."""
    return Servable(
        name=name,
        served=served(network),
        recipe=recipe(network, labels=labels, image_size=image_size),
    )


def trained_recipe(card: AnyCard) -> Recipe:
    """The recipe of the weights that ``card`` describes."""
    return _recipe(card, _network(card))


def _network(card: AnyCard) -> Classifier | Detector:
    return zoo.create(
        card.network, num_classes=card.num_classes, image_size=card.image_size, **card.options
    )


def _recipe(card: AnyCard, network: Classifier | Detector) -> Recipe:
    return recipe(
        network,
        labels=card.labels,
        image_size=card.image_size,
        shorter_side=card.shorter_side,
        card=replace(card.summary(), macs=_macs(network, card.image_size)),
    )


def _macs(network: Classifier | Detector, image_size: Size) -> int:
    """Multiply-accumulates of one image, those of attention between activations included."""
    found = cost(network, image_size)
    return found.layer_macs + found.matmul_macs
