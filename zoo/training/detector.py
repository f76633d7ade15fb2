"""Training a detector on scenes."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from zoo.data.samples import LabelledScene
from zoo.detectors import Detector, Target
from zoo.evaluation.detector import average_precision, pixels
from zoo.normalise import Normalise
from zoo.schedules import DetectorSchedule
from zoo.training.batching import batch_count, split
from zoo.training.checkpointing import RunFolder
from zoo.training.epochs import Run
from zoo.training.fit import fit

SceneBatch = tuple[Tensor, list[Target]]


class SceneBatches:
    """The training scenes in a new order on every pass.

    Yields images (B, H, W, 3) uint8 and the target of each.
    """

    def __init__(self, scenes: Sequence[LabelledScene], schedule: DetectorSchedule) -> None:
        self.images = pixels(scenes)
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


def _target(scene: LabelledScene) -> Target:
    masks = None if scene.masks is None else torch.from_numpy(scene.masks)
    return Target(torch.from_numpy(scene.boxes), torch.from_numpy(scene.labels), masks)
