"""How a detector is trained."""

from dataclasses import dataclass

from zoo.course import Course


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorSchedule(Course):
    """Everything that decides a training run besides the network and the scenes.

    Scenes are shown as they are: mirrored, a left arrow would be another sign.
    """

    epochs: int = 2
    batch_size: int = 4
    learning_rate: float = 1e-3
    warmup_epochs: float = 0.2
    weight_decay: float = 0.05
    seed: int = 0  # of fresh weights and of the order of the scenes
