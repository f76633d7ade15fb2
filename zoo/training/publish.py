"""Trains one of the zoo's classifiers, tests it, and writes weights and card."""

from datetime import UTC, datetime
from importlib.metadata import version

import torch

from zoo import weights
from zoo.cards.classifier import ModelCard
from zoo.classifiers import ARCHITECTURES, create
from zoo.data.samples import ClassificationData
from zoo.evaluation.classifier import evaluate
from zoo.schedules import Schedule
from zoo.training.classifier import train
from zoo.training.job import Job
from zoo.training.start import read_start, take_over

LIBRARIES = ("torch", "numpy", "pillow", "safetensors")


def publish(job: Job, schedule: Schedule, data: ClassificationData) -> ModelCard:
    """Train a classifier and leave its weights and card in ``job.folder``.

    ``schedule.seed`` also seeds the fresh weights.

    Raises:
        UnknownNameError: the zoo has no such classifier.
        WeightsError: it cannot start from the weights of ``job.start``.
        RunError: the run folder is of another run, or training diverged.
    """
    torch.manual_seed(schedule.seed)
    image_size = data.train.tensors[0].shape[1]
    start = read_start(job.start, job.network, job.folder) if job.start else None
    options = start.options if start else {}
    model = create(job.network, num_classes=len(data.labels), image_size=image_size, **options)
    if start:
        take_over(model, start, data.labels, job.folder)
    model.to(job.device)
    run = train(model, data.train, data.validation, schedule, job.follow(data.description))
    content = job.content(model)
    tested = evaluate(model, data.test)
    card = ModelCard(
        name=job.name,
        network=job.network,
        options=options,
        architecture=ARCHITECTURES[job.network].backbone.title,
        attention=ARCHITECTURES[job.network].attention,
        num_classes=len(data.labels),
        image_size=image_size,
        labels=data.labels,
        parameters=sum(p.numel() for p in model.parameters()),
        started_from=job.start,
        data=data.description,
        schedule=schedule,
        best_epoch=run.best + 1,
        validation_accuracy=evaluate(model, data.validation).accuracy,
        test_accuracy=tested.accuracy,
        test_accuracy_per_class=dict(zip(data.labels, tested.per_class, strict=True)),
        trained_on=datetime.now(UTC).date().isoformat(),
        versions={library: version(library) for library in LIBRARIES},
        weights_sha256=weights.fingerprint(content),
    )
    weights.save(content, card, job.folder)
    return card
