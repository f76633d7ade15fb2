"""The road-sign task: any sample of any split by its index, as JPEG bytes or as tensors."""

from dataclasses import dataclass
from enum import IntEnum
from io import BytesIO

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.utils.data import TensorDataset
from tqdm import tqdm

from zoo.signs.camera import photograph
from zoo.signs.crop import draw_crop

LABELS = (
    "red_traffic_light",
    "straight_arrow",
    "left_arrow",
    "no_driving_sign",
    "no_parking_sign",
    "background",
)
SIDE = 64  # pixels of a crop
SUPERSAMPLING = 2


class Split(IntEnum):
    """A part of the data; each draws from a random stream of its own."""

    TRAIN = 0
    VALIDATION = 1
    TEST = 2


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled crop; the file is the ground truth, so that what is served is identical."""

    jpeg: bytes
    label: int  # position in LABELS

    def pixels(self) -> NDArray[np.uint8]:
        """The decoded crop: (64, 64, 3), RGB."""
        return np.array(Image.open(BytesIO(self.jpeg)).convert("RGB"))


def render(split: Split, index: int, seed: int = 0) -> Sample:
    """Sample ``index`` of a split; depends on nothing but these three numbers.

    Labels take turns, so that any run of six neighbours holds every class once.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(split, index)))
    label = index % len(LABELS)
    scene = draw_crop(rng, LABELS[label], SIDE * SUPERSAMPLING)
    return Sample(photograph(rng, scene, SIDE, SIDE), label)


def load(split: Split, count: int, seed: int = 0) -> TensorDataset:
    """The first ``count`` samples: images (N, 64, 64, 3) uint8 and labels (N,) int64."""
    images = np.empty((count, SIDE, SIDE, 3), np.uint8)
    labels = np.empty(count, np.int64)
    for index in tqdm(range(count), f"render {split.name.lower()}", unit="img", leave=False):
        sample = render(split, index, seed)
        images[index], labels[index] = sample.pixels(), sample.label
    return TensorDataset(torch.from_numpy(images), torch.from_numpy(labels))
