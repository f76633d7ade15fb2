"""The smallest honest training loop: AdamW, warm-up and cosine, best epoch by validation."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import cos, pi
from typing import Protocol, TypeVar

from torch import Tensor, nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR
from tqdm import tqdm

Batch = TypeVar("Batch")
Batch_co = TypeVar("Batch_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What every training run has to decide."""

    epochs: int
    batch_size: int
    learning_rate: float  # at the end of the warm-up
    warmup_epochs: float
    weight_decay: float  # not on norms and biases

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
    score: float  # on the validation images, afterwards; more is better


@dataclass(frozen=True, slots=True)
class Run:
    """The course of a training; ``best`` is the position of the epoch that was kept."""

    epochs: tuple[Epoch, ...]
    best: int


class Passes(Protocol[Batch_co]):
    """The training images in batches; each iteration is one pass over them."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Batch_co]: ...


def fit(
    model: nn.Module,
    batches: Passes[Batch],
    loss_of: Callable[[Batch], Tensor],
    score_now: Callable[[], float],
    course: Course,
) -> Run:
    """Train ``model`` in place and leave it at its best epoch; of equals the earliest wins.

    ``loss_of`` runs the model in training mode on one batch; ``score_now`` judges it after each
    epoch. The same batches on the same machine give the same figures.
    """
    optimizer = AdamW(_groups(model, course.weight_decay), lr=course.learning_rate)
    steps = course.epochs * len(batches)
    scheduler = LambdaLR(optimizer, lambda step: course.rate((step + 1) / steps))
    epochs: list[Epoch] = []
    kept: dict[str, Tensor] = {}
    with tqdm(range(course.epochs), "train", unit="epoch") as progress:
        for _ in progress:
            model.train()
            loss = _epoch(batches, loss_of, optimizer, scheduler)
            score = score_now()
            if score > max((epoch.score for epoch in epochs), default=-1.0):
                kept = {name: value.clone() for name, value in model.state_dict().items()}
            epochs.append(Epoch(loss, score))
            progress.set_postfix(loss=f"{loss:.3f}", validation=f"{score:.4f}")
    model.load_state_dict(kept)
    best = max(range(len(epochs)), key=lambda number: epochs[number].score)
    return Run(tuple(epochs), best)


def _epoch(
    batches: Passes[Batch],
    loss_of: Callable[[Batch], Tensor],
    optimizer: AdamW,
    scheduler: LambdaLR,
) -> float:
    """One pass; the mean loss of its batches."""
    total = 0.0
    for batch in tqdm(batches, "batches", leave=False):
        loss = loss_of(batch)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        scheduler.step()
        total += loss.item()
    return total / len(batches)


def _groups(model: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Parameters of one dimension (norms, biases) are not decayed."""
    parameters = list(model.parameters())
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
