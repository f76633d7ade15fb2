"""Trains one of the zoo's detectors on scenes, tests it, and writes weights and card."""

from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import torch

from zoo import weights
from zoo.card import Data
from zoo.detector_card import DetectorCard
from zoo.detector_schedule import DetectorSchedule
from zoo.detectors import DETECTORS, Detector, create_detector
from zoo.signs.dataset import Split
from zoo.signs.scenes import LABELS, SIDE, load
from zoo.train_detector import evaluate_detector, train_detector

SCENES = Data(task="rendered road-sign scenes", seed=0, train=5_000, validation=300, test=1_000)
LIBRARIES = ("torch", "numpy", "pillow", "safetensors", "pycocotools")


def publish_detector(
    name: str, schedule: DetectorSchedule, data: Data, *, folder: Path = weights.FOLDER
) -> DetectorCard:
    """Train ``name``, such as ``retinanet_mbv2_simam``, and leave weights and card in ``folder``.

    Its backbone starts from the classifier of the same backbone and attention, if ``folder`` has
    one; the rest is fresh and seeded by ``schedule.seed``.

    Raises:
        UnknownNameError: the zoo has no such detector.
    """
    torch.manual_seed(schedule.seed)
    architecture = DETECTORS[name]
    model = create_detector(name, num_classes=len(LABELS), image_size=SIDE)
    start = architecture.classifier if weights.exist(architecture.classifier, folder) else None
    if start:
        start_from(model, start, folder)
    validation = load(Split.VALIDATION, data.validation, data.seed)
    run = train_detector(model, load(Split.TRAIN, data.train, data.seed), validation, schedule)
    content = weights.serialise(model.state_dict())
    card = DetectorCard(
        name=name,
        architecture=architecture.title,
        attention=architecture.attention,
        num_classes=len(LABELS),
        image_size=SIDE,
        labels=LABELS,
        parameters=sum(p.numel() for p in model.parameters()),
        backbone_from=start,
        data=data,
        schedule=schedule,
        best_epoch=run.best + 1,
        validation_ap=run.epochs[run.best].score,
        test_precision=evaluate_detector(model, load(Split.TEST, data.test, data.seed)),
        trained_on=datetime.now(UTC).date().isoformat(),
        versions={library: version(library) for library in LIBRARIES},
        weights_sha256=weights.fingerprint(content),
    )
    weights.save(content, card, folder)
    return card


def start_from(model: Detector, classifier: str, folder: Path) -> None:
    """Give the backbone of ``model`` the features of a classifier in ``folder``."""
    prefix = "features."
    state = weights.load(classifier, folder)
    features = {key[len(prefix) :]: value for key, value in state.items() if key.startswith(prefix)}
    model.backbone.body.load_state_dict(features)
