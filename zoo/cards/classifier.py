"""The card of a classifier that was trained here: everything there is to know about it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from contract.recipe import Figure
from zoo.cards.purpose import purpose
from zoo.cards.trained import TrainedCard, common
from zoo.schedules import Schedule

USE = """To show and to measure the serving stack, and to compare attention mechanisms on one task.
**Not for driving, and not for any decision about traffic**: it has never seen a photograph."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard(TrainedCard):
    """What the weights are, how they came about and how good they are."""

    schedule: Schedule
    validation_accuracy: Figure
    test_accuracy: Figure
    test_accuracy_per_class: Mapping[str, Figure]

    def metrics(self) -> Mapping[str, Figure]:
        """Accuracy."""
        return {"test_accuracy": self.test_accuracy}


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
    fields |= common(fields) | {
        "schedule": Schedule(**fields["schedule"]),
        "validation_accuracy": Figure(**fields["validation_accuracy"]),
        "test_accuracy": Figure(**fields["test_accuracy"]),
        "test_accuracy_per_class": {name: Figure(**figure) for name, figure in per_class.items()},
    }
    return ModelCard(**fields)


def _start(started_from: str | None) -> str:
    return f" It started from the weights of `{started_from}`." if started_from else ""


def _limits(card: ModelCard) -> str:
    always = f"- A picture of anything else is still given one of the {card.num_classes} labels"
    if card.data.brought:
        return f"{always}."
    return f"""- Real photographs differ from the drawings in ways that were not measured.
{always}; `background`
  was learnt from a short list of things.
- The images are crops around one sign; the network does not find signs in a scene."""


def to_markdown(card: ModelCard) -> str:
    """The people's form."""
    rows = "\n".join(
        f"| {class_id} | `{label}` | {_percent(card.test_accuracy_per_class[label])} |"
        for class_id, label in enumerate(card.labels)
    )
    versions = ", ".join(f"{name} {version}" for name, version in card.versions.items())
    return f"""# {card.name}

{card.architecture} with attention `{card.attention}`: {card.parameters:,} parameters,
{card.image_size}×{card.image_size} RGB images in, {card.num_classes} classes out.

{purpose(card.data, USE, "Every image is drawn by a program; none was taken by a camera.")}

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
the best on the validation images.{_start(card.started_from)}

- Schedule: {card.schedule}
- Versions: {versions}

## Limits

{_limits(card)}

SHA-256 of the weights: `{card.weights_sha256}`
"""


def _percent(figure: Figure) -> str:
    return f"{figure.value:.1%} ({figure.low:.1%}–{figure.high:.1%})"
