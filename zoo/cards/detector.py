"""The card of a detector that was trained here: what it is, and COCO's figures for it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from contract.recipe import Figure
from zoo.cards.purpose import purpose
from zoo.cards.trained import TrainedCard, common
from zoo.evaluation.coco import Precision, figures
from zoo.schedules import DetectorSchedule

USE = """To show and to measure the serving stack on a task that a CPU can learn.
**Not for driving, and not for any decision about traffic**: it has never seen a photograph."""
DRAWN = """\
Every scene is drawn by a program; none was taken by a camera. A box holds the whole sign, the
part that something covers included."""
DIFFERENT = "- Real photographs differ from the drawings in ways that were not measured.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorCard(TrainedCard):
    """What the weights are, how they came about and how good they are."""

    backbone_from: str | None  # the classifier whose weights the backbone started with
    schedule: DetectorSchedule
    validation_ap: float
    test_precision: Precision

    @property
    def test_accuracy(self) -> None:
        """A detector has no accuracy; its precision is in ``test_precision``."""
        return

    def metrics(self) -> Mapping[str, Figure]:
        """COCO's figures."""
        return {f"test_{name}": figure for name, figure in figures(self.test_precision)}


def to_json(card: DetectorCard) -> str:
    """The machine's form; figures keep every digit."""
    return json.dumps(asdict(card), indent=2) + "\n"


def from_json(text: str) -> DetectorCard:
    """The card that ``to_json`` wrote.

    Raises:
        ValueError, TypeError, KeyError: the text is no such card.
    """
    fields: dict[str, Any] = json.loads(text)
    return DetectorCard(
        **fields
        | common(fields)
        | {
            "schedule": DetectorSchedule(**fields["schedule"]),
            "test_precision": _precision(fields["test_precision"]),
        }
    )


def _precision(fields: dict[str, Any]) -> Precision:
    return Precision(
        images=fields["images"],
        ap=Figure(**fields["ap"]),
        ap50=Figure(**fields["ap50"]),
        ap75=Figure(**fields["ap75"]),
        by_size={size: Figure(**figure) for size, figure in fields["by_size"].items()},
    )


def to_markdown(card: DetectorCard) -> str:
    """The people's form."""
    rows = "\n".join(
        f"| {name} | {figure.value:.3f} | {figure.low:.3f}–{figure.high:.3f} |"
        for name, figure in figures(card.test_precision)
    )
    labels = ", ".join(f"{class_id} `{label}`" for class_id, label in enumerate(card.labels))
    versions = ", ".join(f"{name} {version}" for name, version in card.versions.items())
    start = f"the weights of `{card.backbone_from}`" if card.backbone_from else "fresh weights"
    different = "" if card.data.brought else DIFFERENT
    if card.started_from:
        start = f"the weights of `{card.started_from}`, as did the rest"
    return f"""# {card.name}

{card.architecture} with attention `{card.attention}`: {card.parameters:,} parameters,
{card.image_size}×{card.image_size} RGB images in, boxes of {card.num_classes} classes out:
{labels}.

{purpose(card.data, USE, DRAWN)}

## Results

COCO's average precision over {card.test_precision.images} test scenes, by pycocotools; small is
an area below 32², large one from 96² pixels. The intervals are bootstrap percentiles at 95 %:
they hold the chance in the choice of test scenes, not the chance in the training.

| figure | value | interval |
|---|---|---|
{rows}

Validation AP {card.validation_ap:.3f}.

## Training

Trained on {card.trained_on}; the backbone started from {start}. Of {card.schedule.epochs} epochs,
number {card.best_epoch} was kept, the best on the validation scenes.

- Schedule: {card.schedule}
- Versions: {versions}

## Limits

{different}\
- It was trained at {card.image_size}×{card.image_size} pixels: in a larger picture, signs that are
  small after the resize are missed.

SHA-256 of the weights: `{card.weights_sha256}`
"""
