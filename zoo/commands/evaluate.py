"""The command that measures weights again: on the images of their card, or on a folder."""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from torch.utils.data import TensorDataset

from contract.recipe import Figure
from zoo import weights
from zoo.cards.classifier import ModelCard
from zoo.cards.detector import DetectorCard
from zoo.commands.arguments import Options, add_weights
from zoo.data import SIGNS, DataError, open_classification, open_detection
from zoo.data.description import Data
from zoo.data.samples import LabelledScene
from zoo.data.signs import CROPS, SCENES
from zoo.detectors import Detector
from zoo.evaluation import report
from zoo.evaluation.classifier import logits
from zoo.evaluation.coco import figures
from zoo.evaluation.detector import detect, truths
from zoo.evaluation.pictures import draw_confusion, draw_reliability
from zoo.evaluation.report import ClassifierReport, Report
from zoo.export import servable
from zoo.signs import dataset, scenes
from zoo.signs.dataset import Split
from zoo.weights import WeightsError

SPLITS = {split.name.lower(): split for split in Split}
DRAWN = (CROPS.task, SCENES.task)


class Shown(NamedTuple):
    """What a network is asked, and where it came from."""

    images: TensorDataset | Sequence[LabelledScene]
    data: Data


def evaluate_model(options: Options) -> None:
    """Measure weights again, on the test images or scenes of their card or on a folder."""
    for line in _evaluated(options):
        print(line)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options; each says what holds without it."""
    parser.add_argument("name", help="what the weights are called")
    parser.add_argument(
        "--data",
        metavar="DIR",
        help=f'a folder as for training, or "{SIGNS}"; what the card names if left out',
    )
    parser.add_argument(
        "--split", choices=SPLITS, default="test", help="the part of the data (test)"
    )
    parser.add_argument("--skip-broken", action="store_true", help="leave unreadable images out")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write every figure; see docs/evaluation.md"
    )
    parser.add_argument(
        "--pictures",
        type=Path,
        metavar="DIR",
        help="draw confusion.png and reliability.png, of a classifier",
    )
    add_weights(parser)


def _evaluated(options: Options) -> Iterator[str]:
    """Measure, write the files that ``options`` ask for, and say what was found."""
    card = weights.read_trained_card(options.name, options.weights)
    if isinstance(card, DetectorCard) and options.pictures:
        raise WeightsError(f"--pictures: {options.name} is a detector; they are of classifiers")
    split = SPLITS[options.split]
    shown = _drawn(card, split) if _is_drawn(card, options.data) else _brought(card, options, split)
    found = _measured(card, options.weights, shown)
    if options.json:
        text = report.to_json(
            found,
            name=options.name,
            weights_sha256=card.weights_sha256,
            data=str(shown.data),
            split=options.split,
        )
        options.json.write_text(text, encoding="utf-8")
    if options.pictures and isinstance(found, ClassifierReport):
        draw_confusion(options.pictures / "confusion.png", found.confusion, card.labels)
        draw_reliability(options.pictures / "reliability.png", found.calibration)
    same = split is Split.TEST and shown.data == card.data
    yield from report.lines(found, _said(card) if same else {})


def _is_drawn(card: ModelCard | DetectorCard, asked: str | None) -> bool:
    """Whether to draw signs, as the user says or else the card."""
    if asked is not None:
        return asked == SIGNS
    if card.data.task not in DRAWN:
        raise DataError(f"{card.name} was trained on the {card.data.task}: name it with --data")
    return True


def _drawn(card: ModelCard | DetectorCard, split: Split) -> Shown:
    """Signs: those of the card, if it was trained on some."""
    detects = isinstance(card, DetectorCard)
    _refuse_other_labels(card, scenes.LABELS if detects else dataset.LABELS)
    known = card.data.task in DRAWN
    data = card.data if known else (SCENES if detects else CROPS)
    count = (data.train, data.validation, data.test)[split]
    if detects:
        return Shown(scenes.load(split, count, data.seed, side=card.image_size), data)
    return Shown(dataset.load(split, count, data.seed), data)


def _brought(card: ModelCard | DetectorCard, options: Options, split: Split) -> Shown:
    """Images of the user's folder, dealt out as they were for the training."""
    seed, skip_broken = card.data.seed, options.skip_broken
    if isinstance(card, DetectorCard):
        found = open_detection(options.data, card.image_hw, seed=seed, skip_broken=skip_broken)
        _refuse_other_labels(card, found.labels)
        return Shown((found.train, found.validation, found.test)[split], found.description)
    data = open_classification(options.data, card.image_size, seed=seed, skip_broken=skip_broken)
    _refuse_other_labels(card, data.labels)
    return Shown((data.train, data.validation, data.test)[split], data.description)


def _refuse_other_labels(card: ModelCard | DetectorCard, labels: Sequence[str]) -> None:
    if tuple(labels) != card.labels:
        raise DataError(
            f"the data has the classes {', '.join(labels)}, but {card.name} answers "
            f"{', '.join(card.labels)}: evaluate it on data with its classes"
        )


def _measured(card: ModelCard | DetectorCard, folder: Path, shown: Shown) -> Report:
    network = servable.trained(card.name, folder).served.network
    if isinstance(shown.images, TensorDataset):
        images, labels = shown.images.tensors
        return report.classifier_report(logits(network, images), labels, card.labels)
    assert isinstance(network, Detector)  # noqa: S101 - what a detector's card belongs to
    found = detect(network, shown.images)
    return report.detector_report(truths(shown.images), found, card.labels)


def _said(card: ModelCard | DetectorCard) -> dict[str, Figure]:
    """What the card has under the names of the report's figures."""
    if isinstance(card, DetectorCard):
        return dict(figures(card.test_precision))
    return {report.ALL: card.test_accuracy}
