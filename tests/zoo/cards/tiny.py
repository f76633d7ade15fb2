"""The card of a network that learnt nothing."""

from torch import Tensor

from contract.recipe import Figure
from zoo import weights
from zoo.cards.classifier import ModelCard
from zoo.data.description import Data
from zoo.schedules import Schedule
from zoo.storage import serialise

HALF = Figure(value=0.5, low=0.25, high=0.75)


def card_of(state: dict[str, Tensor]) -> ModelCard:
    return ModelCard(
        name="tiny_none",
        network="tiny_none",
        architecture="Tiny",
        attention="none",
        num_classes=2,
        image_size=8,
        labels=("cat", "dog"),
        parameters=12,
        data=Data(task="two colours", seed=5, train=40, validation=20, test=10),
        schedule=Schedule(epochs=3),
        best_epoch=2,
        validation_accuracy=HALF,
        test_accuracy=HALF,
        test_accuracy_per_class={"cat": HALF, "dog": HALF},
        trained_on="2026-01-31",
        versions={"torch": "2.13.0"},
        weights_sha256=weights.fingerprint(serialise(state)),
    )
