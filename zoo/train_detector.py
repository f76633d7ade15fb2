"""Training a detector on scenes, and asking it what is in them."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from zoo import coco
from zoo.batching import batch_count, split
from zoo.checkpointing import RunFolder
from zoo.coco import Detections, Precision, Truth
from zoo.course import Run
from zoo.data.samples import LabelledScene
from zoo.detector_schedule import DetectorSchedule
from zoo.detectors import Detector, Target
from zoo.fit import fit
from zoo.normalise import Normalise

BATCH = 16  # scenes at a time when asking; has no influence on the figures
SceneBatch = tuple[Tensor, list[Target]]


class SceneBatches:
    """The training scenes in a new order on every pass.

    Yields images (B, H, W, 3) uint8 and the target of each.
    """

    def __init__(self, scenes: Sequence[LabelledScene], schedule: DetectorSchedule) -> None:
        self.images = _images(scenes)
        self.targets = [_target(scene) for scene in scenes]
        self.size = schedule.batch_size
        self.generator = torch.Generator().manual_seed(schedule.seed)

    def __len__(self) -> int:
        return batch_count(len(self.targets), self.size)

    def __iter__(self) -> Iterator[SceneBatch]:
        order = torch.randperm(len(self.targets), generator=self.generator)
        for chosen in split(order, self.size):
            yield self.images[chosen], [self.targets[position] for position in chosen.tolist()]


def train_detector(
    model: Detector,
    training: Sequence[LabelledScene],
    validation: Sequence[LabelledScene],
    schedule: DetectorSchedule,
    folder: RunFolder | None = None,
) -> Run:
    """Train ``model`` in place and leave it at its best epoch by COCO AP.

    The same seed on the same machine gives the same figures. With a ``folder`` the training can
    be stopped and resumed.

    Raises:
        RunError: see ``fit``.
    """
    device = next(model.parameters()).device
    normalise = Normalise().to(device)

    def loss_of(batch: SceneBatch) -> Tensor:
        images, targets = batch
        moved = [target.to(device) for target in targets]
        losses = model.loss(normalise(images.to(device)), moved)
        return torch.stack(list(losses.values())).sum()

    def score_now() -> float:
        return average_precision(model, validation)

    return fit(model, SceneBatches(training, schedule), loss_of, score_now, schedule, folder=folder)


def average_precision(model: Detector, scenes: Sequence[LabelledScene]) -> float:
    """COCO AP of ``model`` on ``scenes``: what epochs are judged by."""
    return coco.average_precision(truths(scenes), detect(model, scenes))


def evaluate_detector(model: Detector, scenes: Sequence[LabelledScene]) -> Precision:
    """COCO's figures of ``model`` on ``scenes``, with intervals."""
    return coco.evaluate(truths(scenes), detect(model, scenes))


def truths(scenes: Sequence[LabelledScene]) -> list[Truth]:
    """What the scenes hold, as the evaluation wants it."""
    return [Truth(scene.boxes, scene.labels) for scene in scenes]


def detect(model: Detector, scenes: Sequence[LabelledScene]) -> list[Detections]:
    """What ``model`` finds in each scene, in evaluation mode, where its parameters are."""
    device = next(model.parameters()).device
    normalise = Normalise().to(device)
    model.eval()
    found: list[Detections] = []
    with torch.inference_mode():
        for images in torch.split(_images(scenes), BATCH):
            answers = [part.cpu().numpy() for part in model(normalise(images.to(device)))[:4]]
            for boxes, scores, classes, count in zip(*answers, strict=True):
                slots = slice(count.item())
                found.append(Detections(boxes[slots], scores[slots], classes[slots]))
    return found


def _images(scenes: Sequence[LabelledScene]) -> Tensor:
    """(N, H, W, 3) uint8."""
    return torch.from_numpy(np.stack([scene.pixels() for scene in scenes]))


def _target(scene: LabelledScene) -> Target:
    masks = None if scene.masks is None else torch.from_numpy(scene.masks)
    return Target(torch.from_numpy(scene.boxes), torch.from_numpy(scene.labels), masks)
