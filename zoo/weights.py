"""Weights on disk: a safetensors file beside its card, and never one without the other."""

import hashlib
from pathlib import Path

from torch import Tensor

from zoo.cards import kinds
from zoo.cards.classifier import ModelCard
from zoo.cards.detector import DetectorCard
from zoo.cards.imported import ImportedCard
from zoo.cards.kinds import AnyCard
from zoo.storage import restored

FOLDER = Path(__file__).parent / "weights"


class WeightsError(ValueError):
    """Weights that must not be used; the message names the file and the remedy."""


def fingerprint(content: bytes) -> str:
    """SHA-256 in hexadecimal: what a card remembers of its weights."""
    return hashlib.sha256(content).hexdigest()


def save(content: bytes, card: AnyCard, folder: Path = FOLDER) -> None:
    """Write ``<name>.safetensors`` (``content``), ``<name>.json`` and ``<name>.md``."""
    _refuse_mismatch(content, card, folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{card.name}.safetensors").write_bytes(content)
    (folder / f"{card.name}.json").write_text(kinds.to_json(card))
    (folder / f"{card.name}.md").write_text(kinds.to_markdown(card))


def exist(name: str, folder: Path = FOLDER) -> bool:
    """Whether ``folder`` has a card called ``name``."""
    return (folder / f"{name}.json").exists()


def read_card(name: str, folder: Path = FOLDER) -> AnyCard:
    """The card of the weights called ``name``.

    Raises:
        WeightsError: there is none, or it cannot be read.
    """
    path = folder / f"{name}.json"
    try:
        return kinds.from_json(path.read_text())
    except FileNotFoundError as error:
        raise WeightsError(f"{path} is missing: {name} has not been trained; train it") from error
    except (ValueError, TypeError, KeyError) as error:
        raise WeightsError(f"{path} is no model card ({error!r}); train {name} again") from error


def read_trained_card(name: str, folder: Path = FOLDER) -> ModelCard | DetectorCard:
    """The card of weights that were trained and measured here.

    Raises:
        WeightsError: there is none, or it cannot be read, or the weights were imported.
    """
    card = read_card(name, folder)
    if isinstance(card, ImportedCard):
        raise WeightsError(
            f"{name} was imported as {card.source}: there are no test images of its task here"
        )
    return card


def load(name: str, folder: Path = FOLDER) -> dict[str, Tensor]:
    """The state_dict called ``name``, on the CPU, checked against its card; float32 throughout.

    Raises:
        WeightsError: a file is missing, or the weights are not those of the card.
    """
    card = read_card(name, folder)
    path = folder / f"{name}.safetensors"
    if not path.exists():
        raise WeightsError(f"{path} is missing though its card is there; restore it or train again")
    content = path.read_bytes()
    _refuse_mismatch(content, card, folder)
    return restored(content)


def _refuse_mismatch(content: bytes, card: AnyCard, folder: Path) -> None:
    found = fingerprint(content)
    if found != card.weights_sha256:
        raise WeightsError(
            f"{folder / card.name}.safetensors has SHA-256 {found}, but its card says "
            f"{card.weights_sha256}; restore the file or train {card.name} again"
        )
