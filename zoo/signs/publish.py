"""Trains one of the zoo's classifiers on the signs, tests it, and writes weights and card."""

from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import torch

from zoo import weights
from zoo.card import Data, ModelCard
from zoo.classifiers import ARCHITECTURES, create
from zoo.evaluate import evaluate
from zoo.signs.dataset import LABELS, SIDE, Split, load
from zoo.train import Schedule, train

CROPS = Data(task="rendered road-sign crops", seed=0, train=12_000, validation=2_000, test=3_000)
LIBRARIES = ("torch", "numpy", "pillow", "safetensors")


def publish(
    name: str,
    schedule: Schedule,
    data: Data,
    *,
    folder: Path = weights.FOLDER,
    device: str = "cpu",
) -> ModelCard:
    """Train ``name``, such as ``mbv2_simam``, and leave its weights and card in ``folder``.

    ``schedule.seed`` also seeds the fresh weights.

    Raises:
        UnknownNameError: the zoo has no such classifier.
    """
    torch.manual_seed(schedule.seed)
    model = create(name, num_classes=len(LABELS), image_size=SIDE).to(device)
    validation = load(Split.VALIDATION, data.validation, data.seed)
    run = train(model, load(Split.TRAIN, data.train, data.seed), validation, schedule)
    tested = evaluate(model, load(Split.TEST, data.test, data.seed))
    content = weights.serialise(model.state_dict())
    card = ModelCard(
        name=name,
        architecture=ARCHITECTURES[name].backbone.title,
        attention=ARCHITECTURES[name].attention,
        num_classes=len(LABELS),
        image_size=SIDE,
        labels=LABELS,
        parameters=sum(p.numel() for p in model.parameters()),
        data=data,
        schedule=schedule,
        best_epoch=run.best + 1,
        validation_accuracy=evaluate(model, validation).accuracy,
        test_accuracy=tested.accuracy,
        test_accuracy_per_class=dict(zip(LABELS, tested.per_class, strict=True)),
        trained_on=datetime.now(UTC).date().isoformat(),
        versions={library: version(library) for library in LIBRARIES},
        weights_sha256=weights.fingerprint(content),
    )
    weights.save(content, card, folder)
    return card
