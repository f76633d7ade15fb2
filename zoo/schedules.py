"""How networks are trained: everything that a training run decides before it starts."""

from dataclasses import MISSING, dataclass, fields
from math import cos, pi
from typing import Literal

OptimizerName = Literal["adamw", "sgd"]
Precision = Literal["auto", "float32"]


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


_OPTIONS = {field.name: field.default for field in fields(Course) if field.default is not MISSING}


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule(Course):
    """Everything that decides a classifier's training besides the network and the data."""

    epochs: int = 16
    batch_size: int = 64
    learning_rate: float = 2e-3
    warmup_epochs: float = 1.0
    weight_decay: float = 0.05
    label_smoothing: float = 0.05
    shift: int = 4  # pixels; each batch is moved by up to this much either way
    seed: int = 0  # of the order of the images and of the shifts


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorSchedule(Course):
    """Everything that decides a detector's training besides the network and the scenes.

    Scenes are shown as they are: mirrored, a left arrow would be another sign.
    """

    epochs: int = 2
    batch_size: int = 4
    learning_rate: float = 1e-3
    warmup_epochs: float = 0.2
    weight_decay: float = 0.05
    seed: int = 0  # of fresh weights and of the order of the scenes
