"""What a training run decides before it starts, and what it came to."""

from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields
from math import cos, pi
from typing import Literal

OptimizerName = Literal["adamw", "sgd"]
Precision = Literal["auto", "float32"]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What every training run has to decide; what has a default here is an option.

    The text of a course names its options only where they are in use.
    """

    epochs: int
    batch_size: int
    learning_rate: float  # at the end of the warm-up
    warmup_epochs: float
    weight_decay: float  # not on norms and biases
    optimizer: OptimizerName = "adamw"
    momentum: float = 0.9  # Nesterov's, of SGD alone
    ema: float | None = None  # decay a step of the averaged weights, such as 0.999
    clip: float | None = None  # the largest norm of all gradients together
    patience: int | None = None  # epochs without a better score before stopping early
    precision: Precision = "auto"  # bfloat16 where a GPU computes in it, or float32 everywhere

    def __str__(self) -> str:
        return ", ".join(
            f"{field.name} {value}"
            for field in fields(self)
            if (value := getattr(self, field.name)) != _OPTIONS.get(field.name, MISSING)
        )

    def rate(self, progress: float) -> float:
        """The share of ``learning_rate`` to use when ``progress`` of all steps (0..1) are done."""
        epoch = progress * self.epochs
        if epoch < self.warmup_epochs or self.warmup_epochs >= self.epochs:  # or never past it
            return epoch / self.warmup_epochs
        rest = (epoch - self.warmup_epochs) / (self.epochs - self.warmup_epochs)
        return 0.5 * (1.0 + cos(pi * rest))

    def finished(self, epochs: Sequence[Epoch]) -> bool:
        """Whether no epoch is left after these, or patience has run out."""
        if len(epochs) >= self.epochs:
            return True
        return self.patience is not None and len(epochs) - 1 - best(epochs) >= self.patience


_OPTIONS = {field.name: field.default for field in fields(Course) if field.default is not MISSING}


def best(epochs: Sequence[Epoch]) -> int:
    """The position of the epoch with the highest score, of equals the first; -1 of none."""
    return max(range(len(epochs)), key=lambda number: epochs[number].score, default=-1)
