"""Trains one of the zoo's detectors, tests it, and writes weights and card."""

from datetime import UTC, datetime
from importlib.metadata import version

import torch

from zoo import weights
from zoo.cards.detector import DetectorCard
from zoo.data.samples import DetectionData
from zoo.detectors import DETECTORS, create_detector
from zoo.evaluation.detector import average_precision, evaluate_detector
from zoo.schedules import DetectorSchedule
from zoo.training.detector import train_detector
from zoo.training.job import Job
from zoo.training.start import read_start, take_over, take_over_backbone

LIBRARIES = ("torch", "numpy", "pillow", "safetensors", "pycocotools")


def publish_detector(job: Job, schedule: DetectorSchedule, data: DetectionData) -> DetectorCard:
    """Train a detector and leave its weights and card in ``job.folder``.

    Without weights to start from, its backbone takes those of the classifier of the same backbone
    and attention, if ``job.folder`` has one; the rest is fresh and seeded by ``schedule.seed``.

    Raises:
        UnknownNameError: the zoo has no such detector.
        WeightsError: it cannot start from the weights of ``job.start``.
        RunError: the run folder is of another run, or training diverged.
    """
    torch.manual_seed(schedule.seed)
    architecture = DETECTORS[job.network]
    height, width = data.train[0].pixels().shape[:2]
    start = read_start(job.start, job.network, job.folder) if job.start else None
    options = start.options if start else {}
    model = create_detector(
        job.network, num_classes=len(data.labels), image_size=(height, width), **options
    )
    classifier = None
    if start:
        take_over(model, start, data.labels, job.folder)
    elif weights.exist(architecture.classifier, job.folder):
        classifier = architecture.classifier
        take_over_backbone(model, classifier, job.folder)
    model.to(job.device)
    folder = job.follow(data.description, backbone=classifier)
    run = train_detector(model, data.train, data.validation, schedule, folder)
    content = job.content(model)
    card = DetectorCard(
        name=job.name,
        network=job.network,
        options=options,
        architecture=architecture.title,
        attention=architecture.attention,
        num_classes=len(data.labels),
        image_size=height,
        labels=data.labels,
        parameters=sum(p.numel() for p in model.parameters()),
        started_from=job.start,
        backbone_from=classifier,
        data=data.description,
        schedule=schedule,
        best_epoch=run.best + 1,
        validation_ap=average_precision(model, data.validation),
        test_precision=evaluate_detector(model, data.test),
        trained_on=datetime.now(UTC).date().isoformat(),
        versions={library: version(library) for library in LIBRARIES},
        weights_sha256=weights.fingerprint(content),
    )
    weights.save(content, card, job.folder)
    return card
