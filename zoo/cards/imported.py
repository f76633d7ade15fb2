"""The card of weights that others trained: where they came from, and what nobody measured."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from contract.recipe import Card
from zoo.cards.options import with_channel_counts


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedCard:
    """What the weights are and which file they came from; of their training it knows nothing."""

    name: str  # the importer's choice
    source: str  # the published network, as zoo.checkpoints.sources calls it
    network: str  # the architecture to build
    options: Mapping[str, Any]  # arguments of zoo.create besides num_classes and image_size
    architecture: str
    attention: str
    num_classes: int
    image_size: int | tuple[int, int]  # pixels; height and width where they differ
    shorter_side: int | None  # pixels, before a centre crop; None: images are stretched
    labels: tuple[str, ...]
    parameters: int
    newly_initialised: int  # entries that the file lacked; their values are arbitrary
    file: str  # its name alone
    file_sha256: str
    imported_on: str  # ISO date
    weights_sha256: str

    @property
    def image_hw(self) -> tuple[int, int]:
        """Pixels, height and width."""
        size = self.image_size
        return (size, size) if isinstance(size, int) else size

    @property
    def test_accuracy(self) -> None:
        """Nobody measured it here."""
        return

    def summary(self) -> Card:
        """The part that travels to the gateway inside the recipe."""
        return Card(
            architecture=self.architecture,
            attention=self.attention,
            parameters=self.parameters,
            data=f"not recorded; imported as {self.source} from {self.file}",
            epochs=None,
            trained_on=None,
            weights_sha256=self.weights_sha256,
        )


def to_json(card: ImportedCard) -> str:
    """The machine's form."""
    return json.dumps(asdict(card), indent=2) + "\n"


def from_json(text: str) -> ImportedCard:
    """The card that ``to_json`` wrote.

    Raises:
        ValueError, TypeError, KeyError: the text is no such card.
    """
    fields: dict[str, Any] = json.loads(text, object_hook=with_channel_counts)
    size = fields["image_size"]
    return ImportedCard(
        **fields
        | {
            "labels": tuple(fields["labels"]),
            "image_size": size if isinstance(size, int) else tuple(size),
        }
    )


def to_markdown(card: ImportedCard) -> str:
    """The people's form."""
    height, width = card.image_hw
    return f"""# {card.name}

{card.architecture} with attention `{card.attention}`: {card.parameters:,} parameters,
{height}×{width} RGB images in, {card.num_classes} classes out.

## Origin

Imported on {card.imported_on} as `{card.source}` from `{card.file}`
(SHA-256 `{card.file_sha256}`).
{_origin_of_the_rest(card.newly_initialised)}

## What is not known

- The data, the schedule and the date of the training: the file does not record them.
- The accuracy: nobody measured these weights here. Figures that are published for the network
  hold only if the file is the published one.
- Whether the labels are right: the file has none, they are the importer's.

SHA-256 of the weights: `{card.weights_sha256}`
"""


def _origin_of_the_rest(newly_initialised: int) -> str:
    if not newly_initialised:
        return "Every entry of the network came from that file."
    return (
        f"**{newly_initialised} entries were not in that file and have their initial values: "
        "train before use.**"
    )
