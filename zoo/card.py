"""The model card: everything there is to know about one file of weights, for both readers."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from contract.recipe import Card, Figure
from zoo.train import Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """What a network was trained, selected and tested on; ``seed`` decides every image."""

    task: str
    seed: int
    train: int  # images
    validation: int
    test: int

    def __str__(self) -> str:
        sizes = f"{self.train} train, {self.validation} validation, {self.test} test images"
        return f"{self.task}, seed {self.seed}: {sizes}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What the weights are, how they came about and how good they are."""

    name: str  # the zoo's name, e.g. "mbv2_simam"
    architecture: str
    attention: str
    num_classes: int
    image_size: int  # pixels, height and width
    labels: tuple[str, ...]
    parameters: int
    data: Data
    schedule: Schedule
    best_epoch: int  # the one that was kept, from 1; chosen on the validation images
    validation_accuracy: Figure
    test_accuracy: Figure
    test_accuracy_per_class: Mapping[str, Figure]
    trained_on: str  # ISO date
    versions: Mapping[str, str]  # of the libraries that drew the data and trained the weights
    weights_sha256: str

    @property
    def network(self) -> str:
        """The architecture to build: networks trained here carry its name."""
        return self.name

    @property
    def options(self) -> Mapping[str, Any]:
        """Arguments of zoo.create besides the number of classes and the image size."""
        return {}

    @property
    def image_hw(self) -> tuple[int, int]:
        """Pixels, height and width."""
        return self.image_size, self.image_size

    @property
    def shorter_side(self) -> int | None:
        """None: images are stretched to the input, not cropped."""
        return None

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
            metrics={"test_accuracy": self.test_accuracy},
        )


def to_json(card: ModelCard) -> str:
    """The machine's form; figures keep every digit."""
    return json.dumps(asdict(card), indent=2) + "\n"


def from_json(text: str) -> ModelCard:
    """The card that ``to_json`` wrote.

    Raises:
        ValueError, TypeError, KeyError: the text is no such card.
    """
    fields: dict[str, Any] = json.loads(text)
    per_class = fields["test_accuracy_per_class"]
    fields |= {
        "labels": tuple(fields["labels"]),
        "data": Data(**fields["data"]),
        "schedule": Schedule(**fields["schedule"]),
        "validation_accuracy": Figure(**fields["validation_accuracy"]),
        "test_accuracy": Figure(**fields["test_accuracy"]),
        "test_accuracy_per_class": {name: Figure(**figure) for name, figure in per_class.items()},
    }
    return ModelCard(**fields)


def to_markdown(card: ModelCard) -> str:
    """The people's form."""
    rows = "\n".join(
        f"| {class_id} | `{label}` | {_percent(card.test_accuracy_per_class[label])} |"
        for class_id, label in enumerate(card.labels)
    )
    schedule = ", ".join(f"{name} {value}" for name, value in asdict(card.schedule).items())
    versions = ", ".join(f"{name} {version}" for name, version in card.versions.items())
    return f"""# {card.name}

{card.architecture} with attention `{card.attention}`: {card.parameters:,} parameters,
{card.image_size}×{card.image_size} RGB images in, {card.num_classes} classes out.

## Intended use

To show and to measure the serving stack, and to compare attention mechanisms on one task.
**Not for driving, and not for any decision about traffic**: it has never seen a photograph.

## Data

{card.data}.
Every image is drawn by a program; none was taken by a camera.

## Results

Test accuracy **{_percent(card.test_accuracy)}** over {card.data.test} images;
validation accuracy {_percent(card.validation_accuracy)}.
The intervals are Wilson's at 95 %: they hold the chance in the choice of test images, not the
chance in the training.

| class id | label | test accuracy |
|---|---|---|
{rows}

## Training

Trained on {card.trained_on}. Of {card.schedule.epochs} epochs, number {card.best_epoch} was kept,
the best on the validation images.

- Schedule: {schedule}
- Versions: {versions}

## Limits

- Real photographs differ from the drawings in ways that were not measured.
- A picture of anything else is still given one of the {card.num_classes} labels; `background`
  was learnt from a short list of things.
- The images are crops around one sign; the network does not find signs in a scene.

SHA-256 of the weights: `{card.weights_sha256}`
"""


def _percent(figure: Figure) -> str:
    return f"{figure.value:.1%} ({figure.low:.1%}–{figure.high:.1%})"
