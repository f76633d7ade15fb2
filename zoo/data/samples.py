"""What a data set is once it has been read, whoever brought it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import TensorDataset

from zoo.data.description import Data


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassificationData:
    """Labelled images; each part holds images (N, H, W, 3) uint8, RGB, and labels (N,) int64."""

    labels: tuple[str, ...]  # position = class id
    train: TensorDataset
    validation: TensorDataset
    test: TensorDataset
    description: Data  # for the card


class LabelledScene(Protocol):
    """One image with its boxes; those of ``zoo.signs.scenes`` are such scenes too."""

    @property
    def boxes(self) -> NDArray[np.float32]:
        """(N, 4): x_min, y_min, x_max, y_max in pixels, sides above 0."""

    @property
    def labels(self) -> NDArray[np.int64]:
        """(N,): positions in the labels of the data."""

    @property
    def masks(self) -> NDArray[np.bool_] | None:
        """(N, H, W), where they were asked for."""

    def pixels(self) -> NDArray[np.uint8]:
        """(H, W, 3), RGB."""


@dataclass(frozen=True, slots=True)
class Photograph:
    """An image that was brought, as the detector sees it, bars of the letterbox included."""

    picture: NDArray[np.uint8]  # (H, W, 3), RGB
    boxes: NDArray[np.float32]  # (N, 4): x_min, y_min, x_max, y_max in pixels of ``picture``
    labels: NDArray[np.int64]  # (N,)
    masks: NDArray[np.bool_] | None = None  # (N, H, W)

    def pixels(self) -> NDArray[np.uint8]:
        """(H, W, 3), RGB."""
        return self.picture


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionData:
    """Scenes with boxes; all of them have the same height and width."""

    labels: tuple[str, ...]  # position = class id
    train: Sequence[LabelledScene]
    validation: Sequence[LabelledScene]
    test: Sequence[LabelledScene]
    description: Data  # for the card
