"""Cards of every kind: which of them a file holds, and how each is written."""

import json

from zoo.cards import classifier, detector, imported
from zoo.cards.classifier import ModelCard
from zoo.cards.detector import DetectorCard
from zoo.cards.imported import ImportedCard

AnyCard = ModelCard | ImportedCard | DetectorCard


def from_json(text: str) -> AnyCard:
    """The card in ``text``: only imported weights name a source, only detectors a precision.

    Raises:
        ValueError, TypeError, KeyError: the text is no card.
    """
    fields = json.loads(text)
    if "source" in fields:
        return imported.from_json(text)
    if "test_precision" in fields:
        return detector.from_json(text)
    return classifier.from_json(text)


def to_json(card: AnyCard) -> str:
    """The machine's form."""
    match card:
        case ImportedCard():
            return imported.to_json(card)
        case DetectorCard():
            return detector.to_json(card)
        case ModelCard():
            return classifier.to_json(card)


def to_markdown(card: AnyCard) -> str:
    """The people's form."""
    match card:
        case ImportedCard():
            return imported.to_markdown(card)
        case DetectorCard():
            return detector.to_markdown(card)
        case ModelCard():
            return classifier.to_markdown(card)
