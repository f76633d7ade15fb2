"""A network with its weights and the recipe that goes with them, ready to be exported."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from contract.recipe import Card, Fit, InputSpec, OutputSpec, Recipe, Role, Task
from zoo import weights
from zoo.card import ModelCard
from zoo.classifiers import ARCHITECTURES, create
from zoo.export.wrap import ServedClassifier
from zoo.signs.dataset import LABELS, SIDE
from zoo.weights import WeightsError


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
    ARCHITECTURES[name]  # a misspelt name is told so, instead of hearing that weights are missing
    card = weights.read_card(name, folder)
    network = create(name, num_classes=card.num_classes, image_size=card.image_size)
    try:
        network.load_state_dict(weights.load(name, folder))
    except RuntimeError as error:  # keys or shapes that do not fit
        raise WeightsError(f"the weights of {name} no longer fit it; train it again") from error
    return Servable(name=name, served=ServedClassifier(network), recipe=trained_recipe(card))


def untrained(name: str) -> Servable:
    """The model ``name`` for the demo task, with fresh weights that are the same every time.

    Raises:
        UnknownNameError: no such model.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = create(name, num_classes=len(LABELS), image_size=SIDE)
        _settle(network, SIDE)
    recipe = _classification(LABELS, SIDE, card=None)
    return Servable(name=name, served=ServedClassifier(network), recipe=recipe)


def trained_recipe(card: ModelCard) -> Recipe:
    """The recipe of the weights that ``card`` describes."""
    return _classification(card.labels, card.image_size, card.summary())


@torch.no_grad()
def _settle(network: nn.Module, image_size: int) -> None:
    """Let fresh batch norms see noise: until then depth fades every image to the same answer."""
    network.train()
    for _ in range(16):
        network(torch.randn(8, 3, image_size, image_size))


def _classification(labels: tuple[str, ...], image_size: int, card: Card | None) -> Recipe:
    return Recipe(
        task=Task.CLASSIFICATION,
        input=InputSpec(name="INPUT__0", height=image_size, width=image_size, fit=Fit.STRETCH),
        outputs=(OutputSpec(name="OUTPUT__0", role=Role.PROBABILITIES),),
        labels=labels,
        card=card,
    )
