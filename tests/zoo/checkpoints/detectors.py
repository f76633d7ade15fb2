"""Published detectors of the reference data: their states, images and expected answers."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor

from tests.zoo.fill import filled_state
from zoo.normalise import MEAN, STD

FOLDER = Path(__file__).parents[4] / "shared/golden/detectors"
GAINS = {  # by what a key contains; 1 for the others
    "cls_logits": 0.45,
    "bbox_reg": 0.15,
    "bbox_pred": 0.15,
    "cls_score": 0.6,
    "mask_fcn_logits": 1.5,
}
CLASS_ENTRIES = ("cls_logits", "cls_score", "roi_heads.box_predictor.bbox_pred", "mask_fcn_logits")
RETINANET = "retinanet_resnet50_fpn"
NAMES = (RETINANET, "fasterrcnn_resnet50_fpn", "maskrcnn_resnet50_fpn")
Shapes = dict[str, tuple[int, ...]]

present = pytest.mark.skipif(
    not FOLDER.exists(), reason=f"{FOLDER} is absent: the reference data is not shipped"
)


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What the reference answers for one network."""

    num_classes: int
    image_hw: tuple[int, int]
    salt: int
    images: Tensor  # (B, 3, H, W) float64, normalised
    fpn: dict[str, dict[str, Any]]
    proposals: list[dict[str, Any]]
    answers: dict[str, Tensor]  # boxes.i, scores.i, labels.i, mask28.i


def expected(name: str) -> Expected:
    document = json.loads((FOLDER / f"{name}.expect.json").read_text())
    height, width = document["image_hw"]
    return Expected(
        num_classes=document["num_classes"],
        image_hw=(height, width),
        salt=document["S"],
        images=normalised(document["input_seed"], (document["batch"], 3, height, width)),
        fpn=document["fpn"],
        proposals=document.get("rpn_proposals", []),
        answers=safetensors.torch.load_file(FOLDER / f"{name}.safetensors"),
    )


def shapes(name: str) -> Shapes:
    entries = json.loads((FOLDER / f"{name}.keys.json").read_text())
    return {key: tuple(shape) for key, shape in entries}


def filled(entries: Shapes, salt: int) -> dict[str, Tensor]:
    """The reference's fill, whose gain depends on the entry."""
    state: dict[str, Tensor] = {}
    for key, shape in entries.items():
        gain = next((gain for part, gain in GAINS.items() if part in key), 1.0)
        state |= filled_state({key: shape}, salt=salt, gain=gain)
    return state


def with_classes(entries: Shapes, before: int, after: int) -> Shapes:
    """The same network for another number of classes."""

    def resized(key: str, shape: tuple[int, ...]) -> tuple[int, ...]:
        of_classes = any(entry in key for entry in CLASS_ENTRIES) and "rpn" not in key
        return (shape[0] * after // before, *shape[1:]) if of_classes else shape

    return {key: resized(key, shape) for key, shape in entries.items()}


def normalised(seed: int, shape: tuple[int, int, int, int]) -> Tensor:
    """Images of 16×16 blocks of one colour, in float64; sides are cut to what is asked for."""
    batch, channels, height, width = shape
    coarse = (batch, channels, -(-height // 16), -(-width // 16))
    blocks = np.random.RandomState(seed).random_sample(coarse)
    pixels = blocks.repeat(16, axis=2).repeat(16, axis=3)[:, :, :height, :width]
    images = torch.from_numpy(pixels.astype(np.float32)).double()
    mean, std = (torch.tensor(values, dtype=torch.float64) for values in (MEAN, STD))
    return (images - mean.reshape(3, 1, 1)) / std.reshape(3, 1, 1)
