"""What the cards of weights that were trained here have in common, whatever their task."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from contract.recipe import Card, Figure
from zoo.cards.options import options
from zoo.data.description import Data
from zoo.schedules import Course


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedCard(ABC):
    """What the weights are and how they came about."""

    name: str  # of the weights
    network: str  # the architecture to build, e.g. "mbv2_simam"
    options: Mapping[str, Any] = field(default_factory=dict)  # more arguments of zoo.create
    architecture: str
    attention: str
    num_classes: int
    image_size: int  # pixels, height and width
    labels: tuple[str, ...]
    parameters: int
    started_from: str | None = None  # the weights, of the same network, that it started with
    data: Data
    schedule: Course
    best_epoch: int  # the one that was kept, from 1; chosen on the validation images
    trained_on: str  # ISO date
    versions: Mapping[str, str]  # of the libraries that drew the data and trained the weights
    weights_sha256: str

    @property
    def image_hw(self) -> tuple[int, int]:
        """Pixels, height and width."""
        return self.image_size, self.image_size

    @property
    def shorter_side(self) -> int | None:
        """None: images are stretched or letterboxed to the input, not cropped."""
        return None

    @abstractmethod
    def metrics(self) -> Mapping[str, Figure]:
        """What was measured on the test images."""

    def summary(self) -> Card:
        """The part that travels to the gateway inside the recipe."""
        return Card(
            architecture=self.architecture,
            attention=self.attention,
            parameters=self.parameters,
            data=str(self.data),
            epochs=self.schedule.epochs,
            trained_on=self.trained_on,
            weights_sha256=self.weights_sha256,
            metrics=self.metrics(),
        )


def common(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a card's JSON that every kind reads alike.

    Raises:
        ValueError, TypeError, KeyError: they are of no such card.
    """
    return {
        "network": fields.get("network", fields["name"]),  # older cards have one name for both
        "options": options(fields),
        "labels": tuple(fields["labels"]),
        "data": Data(**fields["data"]),
    }
