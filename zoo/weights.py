"""Weights on disk: a safetensors file beside its card, and never one without the other."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from zoo import card as trained
from zoo import detector_card, imported
from zoo.card import ModelCard
from zoo.detector_card import DetectorCard
from zoo.imported import ImportedCard

FOLDER = Path(__file__).parent / "weights"
STATISTICS = ("running_mean", "running_var")  # of batch norms; the export folds them into weights
HALF_STEP = 2.0**-11  # what rounding to float16 changes at most, as a share of a normal number
AnyCard = ModelCard | ImportedCard | DetectorCard


class WeightsError(ValueError):
    """Weights that must not be used; the message names the file and the remedy."""


def serialise(state: Mapping[str, Tensor]) -> bytes:
    """A state_dict, buffers included, as the content of a safetensors file."""
    return safetensors.torch.save({name: value.cpu().contiguous() for name, value in state.items()})


def halved(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """``state`` for storage in half the space: float32 weights as float16, statistics as they were.

    A tensor stays float32 where float16 would change a value by more than 2^-11 of the tensor's
    largest one: it overflows there, or all of it is too small.
    """
    return {
        name: value if name.endswith(STATISTICS) else _halved(value)
        for name, value in state.items()
    }


def restored(content: bytes) -> dict[str, Tensor]:
    """The state_dict in ``content``, on the CPU; what was stored as float16 is float32 again."""
    state = safetensors.torch.load(content)
    return {
        name: value.float() if value.dtype is torch.float16 else value
        for name, value in state.items()
    }


def fingerprint(content: bytes) -> str:
    """SHA-256 in hexadecimal: what a card remembers of its weights."""
    return hashlib.sha256(content).hexdigest()


def save(content: bytes, card: AnyCard, folder: Path = FOLDER) -> None:
    """Write ``<name>.safetensors`` (``content``), ``<name>.json`` and ``<name>.md``."""
    _refuse_mismatch(content, card, folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{card.name}.safetensors").write_bytes(content)
    (folder / f"{card.name}.json").write_text(_json(card))
    (folder / f"{card.name}.md").write_text(markdown(card))


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
        return _card(path.read_text())
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


def _halved(value: Tensor) -> Tensor:
    if value.dtype is not torch.float32 or not value.numel():
        return value
    half = value.half()
    change = (half.float() - value).abs().max()
    return half if change <= HALF_STEP * value.abs().max() else value


def _card(text: str) -> AnyCard:
    """Only cards of imported weights name a source, and only those of detectors a precision."""
    fields = json.loads(text)
    if "source" in fields:
        return imported.from_json(text)
    if "test_precision" in fields:
        return detector_card.from_json(text)
    return trained.from_json(text)


def _json(card: AnyCard) -> str:
    match card:
        case ImportedCard():
            return imported.to_json(card)
        case DetectorCard():
            return detector_card.to_json(card)
        case ModelCard():
            return trained.to_json(card)


def markdown(card: AnyCard) -> str:
    """The card of any kind for people."""
    match card:
        case ImportedCard():
            return imported.to_markdown(card)
        case DetectorCard():
            return detector_card.to_markdown(card)
        case ModelCard():
            return trained.to_markdown(card)


def _refuse_mismatch(content: bytes, card: AnyCard, folder: Path) -> None:
    found = fingerprint(content)
    if found != card.weights_sha256:
        raise WeightsError(
            f"{folder / card.name}.safetensors has SHA-256 {found}, but its card says "
            f"{card.weights_sha256}; restore the file or train {card.name} again"
        )
