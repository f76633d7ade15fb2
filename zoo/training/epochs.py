"""What the passes of a training run came to: which was the best, and whether it was the last."""

from collections.abc import Sequence
from dataclasses import dataclass

from zoo.schedules import Course


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


def best(epochs: Sequence[Epoch]) -> int:
    """The position of the epoch with the highest score, of equals the first; -1 of none."""
    return max(range(len(epochs)), key=lambda number: epochs[number].score, default=-1)


def finished(epochs: Sequence[Epoch], course: Course) -> bool:
    """Whether ``course`` has no epoch left after these, or its patience has run out."""
    if len(epochs) >= course.epochs:
        return True
    return course.patience is not None and len(epochs) - 1 - best(epochs) >= course.patience
