"""A network with its weights and the recipe that goes with them, ready to be exported."""

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from contract.recipe import Fit, InputSpec, OutputSpec, Recipe, Role, Task
from zoo import weights
from zoo.classifiers import ARCHITECTURES, Classifier, create
from zoo.export.wrap import MOST_MAPS, ServedClassifier
from zoo.signs.dataset import LABELS, SIDE
from zoo.weights import AnyCard, WeightsError


@dataclass(frozen=True, slots=True, kw_only=True)
class Servable:
    """What the exporter needs to know about one model."""

    name: str
    served: ServedClassifier
    recipe: Recipe


def trained(name: str, folder: Path = weights.FOLDER) -> Servable:
    """The model ``name`` with its weights from ``folder``; labels and size come from their card.

    Raises:
        UnknownNameError: no such model.
        WeightsError: there are no weights for it, or they are not those of their card, or those
            of a network that was defined otherwise.
    """
    if not weights.exist(name, folder):
        ARCHITECTURES[name]  # a misspelt name is told so, not that weights are missing
    card = weights.read_card(name, folder)
    network = _network(card)
    try:
        network.load_state_dict(weights.load(name, folder))
    except RuntimeError as error:  # keys or shapes that do not fit
        raise WeightsError(f"the weights of {name} no longer fit it; train it again") from error
    return Servable(name=name, served=ServedClassifier(network), recipe=_recipe(card, network))


def untrained(name: str) -> Servable:
    """The model ``name`` for the demo task, with fresh weights that are the same every time.

    Raises:
        UnknownNameError: no such model.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = create(name, num_classes=len(LABELS), image_size=SIDE)
        _settle(network, SIDE)
    return unmeasured(name, network, labels=LABELS, image_size=SIDE)


def unmeasured(
    name: str, network: Classifier, *, labels: tuple[str, ...], image_size: int
) -> Servable:
    """``network`` as it is, under the name ``name``; nobody vouches for its weights."""
    recipe = Recipe(
        task=Task.CLASSIFICATION,
        input=_input(image_size, shorter_side=None),
        outputs=_outputs(network, image_size, len(labels)),
        labels=labels,
    )
    return Servable(name=name, served=ServedClassifier(network), recipe=recipe)


def trained_recipe(card: AnyCard) -> Recipe:
    """The recipe of the weights that ``card`` describes."""
    return _recipe(card, _network(card))


def _network(card: AnyCard) -> Classifier:
    return create(
        card.network,
        num_classes=card.num_classes,
        image_size=card.image_size,
        **card.options,
    )


def _recipe(card: AnyCard, network: Classifier) -> Recipe:
    return Recipe(
        task=Task.CLASSIFICATION,
        input=_input(card.image_size, card.shorter_side),
        outputs=_outputs(network, card.image_size, card.num_classes),
        labels=card.labels,
        card=card.summary(),
    )


def _input(side: int, shorter_side: int | None) -> InputSpec:
    fit = Fit.STRETCH if shorter_side is None else Fit.CROP
    return InputSpec(name="INPUT__0", height=side, width=side, fit=fit, shorter_side=shorter_side)


def _outputs(network: Classifier, image_size: int, classes: int) -> tuple[OutputSpec, OutputSpec]:
    """Those of a ServedClassifier; each layer of a backbone rounds the size of its map up."""
    side = math.ceil(image_size / network.features.stride)
    maps = (min(MOST_MAPS, classes), side, side)
    return (
        OutputSpec(name="OUTPUT__0", role=Role.PROBABILITIES),
        OutputSpec(name="OUTPUT__1", role=Role.CLASS_MAPS, shape=maps),
    )


@torch.no_grad()
def _settle(network: nn.Module, image_size: int) -> None:
    """Let fresh batch norms see noise: until then depth fades every image to the same answer."""
    network.train()
    for _ in range(16):
        network(torch.randn(8, 3, image_size, image_size))
