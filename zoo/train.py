"""The smallest honest training loop: AdamW, warm-up and cosine, best epoch by validation."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, cos, pi

import torch
from torch import Tensor, nn
from torch.nn.functional import pad
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import TensorDataset
from tqdm import tqdm

from zoo.evaluate import evaluate
from zoo.normalise import Normalise


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Everything that decides a training run besides the network and the data."""

    epochs: int = 16
    batch_size: int = 64
    learning_rate: float = 2e-3  # at the end of the warm-up
    warmup_epochs: float = 1.0
    weight_decay: float = 0.05  # not on norms and biases
    label_smoothing: float = 0.05
    shift: int = 4  # pixels; each batch is moved by up to this much either way
    seed: int = 0  # of the order of the images and of the shifts

    def rate(self, progress: float) -> float:
        """The share of ``learning_rate`` to use when ``progress`` of all steps (0..1) are done."""
        epoch = progress * self.epochs
        if epoch < self.warmup_epochs:
            return epoch / self.warmup_epochs
        rest = (epoch - self.warmup_epochs) / (self.epochs - self.warmup_epochs)
        return 0.5 * (1.0 + cos(pi * rest))


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one pass over the training images came to."""

    loss: float  # mean over the pass
    accuracy: float  # on the validation images, afterwards


@dataclass(frozen=True, slots=True)
class Run:
    """The course of a training; ``best`` is the position of the epoch that was kept."""

    epochs: tuple[Epoch, ...]
    best: int


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
        return ceil(len(self.labels) / self.size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        order = torch.randperm(len(self.labels), generator=self.generator)
        for start in range(0, len(order), self.size):
            chosen = order[start : start + self.size]
            yield _shifted(self.images[chosen], self.shift, self.generator), self.labels[chosen]


def train(
    model: nn.Module, training: TensorDataset, validation: TensorDataset, schedule: Schedule
) -> Run:
    """Train ``model`` in place, where its parameters are, and leave it at its best epoch.

    Both sets hold images (N, H, W, 3) uint8 and labels (N,) int64. The earliest of equally
    good epochs wins. The same seed on the same machine gives the same figures.
    """
    batches = Batches(training, schedule)
    optimizer = AdamW(_groups(model, schedule.weight_decay), lr=schedule.learning_rate)
    steps = schedule.epochs * len(batches)
    scheduler = LambdaLR(optimizer, lambda step: schedule.rate((step + 1) / steps))
    criterion = nn.CrossEntropyLoss(label_smoothing=schedule.label_smoothing)
    epochs: list[Epoch] = []
    kept: dict[str, Tensor] = {}
    with tqdm(range(schedule.epochs), "train", unit="epoch") as progress:
        for _ in progress:
            loss = _epoch(model, batches, criterion, optimizer, scheduler)
            accuracy = evaluate(model, validation).accuracy.value
            if accuracy > max((epoch.accuracy for epoch in epochs), default=-1.0):
                kept = {name: value.clone() for name, value in model.state_dict().items()}
            epochs.append(Epoch(loss, accuracy))
            progress.set_postfix(loss=f"{loss:.3f}", validation=f"{accuracy:.4f}")
    model.load_state_dict(kept)
    best = max(range(len(epochs)), key=lambda number: epochs[number].accuracy)
    return Run(tuple(epochs), best)


def _epoch(
    model: nn.Module,
    batches: Batches,
    criterion: nn.Module,
    optimizer: AdamW,
    scheduler: LambdaLR,
) -> float:
    """One pass; the mean loss of its batches."""
    device = next(model.parameters()).device
    normalise = Normalise().to(device)
    total = 0.0
    model.train()
    for images, labels in tqdm(batches, "batches", leave=False):
        loss = criterion(model(normalise(images.to(device))), labels.to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        total += loss.item()
    return total / len(batches)


def _shifted(images: Tensor, shift: int, generator: torch.Generator) -> Tensor:
    """The batch moved as one, black where nothing was; turning or mirroring would lie."""
    if shift == 0:
        return images
    dy, dx = torch.randint(-shift, shift + 1, (2,), generator=generator).tolist()
    return pad(images, (0, 0, dx, -dx, dy, -dy))


def _groups(model: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Parameters of one dimension (norms, biases) are not decayed."""
    parameters = list(model.parameters())
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
