"""Training a classifier on labelled images."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.functional import pad
from torch.utils.data import TensorDataset

from zoo.evaluation.classifier import evaluate
from zoo.normalise import Normalise
from zoo.schedules import Schedule
from zoo.training.batching import batch_count, split
from zoo.training.checkpointing import RunFolder
from zoo.training.epochs import Run
from zoo.training.fit import fit


class Batches:
    """The training images in a new order on every pass, each batch moved a little.

    Yields images (B, H, W, 3) uint8 and labels (B,) int64.
    """

    def __init__(self, training: TensorDataset, schedule: Schedule) -> None:
        self.images, self.labels = training.tensors
        self.size = schedule.batch_size
        self.shift = schedule.shift
        self.generator = torch.Generator().manual_seed(schedule.seed)

    def __len__(self) -> int:
        return batch_count(len(self.labels), self.size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        order = torch.randperm(len(self.labels), generator=self.generator)
        for chosen in split(order, self.size):
            yield _shifted(self.images[chosen], self.shift, self.generator), self.labels[chosen]


def train(
    model: nn.Module,
    training: TensorDataset,
    validation: TensorDataset,
    schedule: Schedule,
    folder: RunFolder | None = None,
) -> Run:
    """Train ``model`` in place, where its parameters are, and leave it at its best epoch.

    Both sets hold images (N, H, W, 3) uint8 and labels (N,) int64; epochs are judged by their
    accuracy. The same seed on the same machine gives the same figures. With a ``folder`` the
    training can be stopped and resumed.

    Raises:
        RunError: see ``fit``.
    """
    device = next(model.parameters()).device
    normalise = Normalise().to(device)
    criterion = nn.CrossEntropyLoss(label_smoothing=schedule.label_smoothing)

    def loss_of(batch: tuple[Tensor, Tensor]) -> Tensor:
        images, labels = batch
        loss: Tensor = criterion(model(normalise(images.to(device))), labels.to(device))
        return loss

    def accuracy() -> float:
        return evaluate(model, validation).accuracy.value

    return fit(model, Batches(training, schedule), loss_of, accuracy, schedule, folder=folder)


def _shifted(images: Tensor, shift: int, generator: torch.Generator) -> Tensor:
    """The batch moved as one, black where nothing was; turning or mirroring would lie."""
    if shift == 0:
        return images
    dy, dx = torch.randint(-shift, shift + 1, (2,), generator=generator).tolist()
    return pad(images, (0, 0, dx, -dx, dy, -dy))
