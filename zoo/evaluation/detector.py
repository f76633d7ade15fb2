"""How good a detector is on scenes: asking it what is in them, and COCO's figures for that."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from zoo.data.samples import LabelledScene
from zoo.detectors import Detector
from zoo.evaluation import coco
from zoo.evaluation.coco import Detections, Precision, Truth
from zoo.normalise import Normalise

BATCH = 16  # scenes at a time; has no influence on the figures


def average_precision(model: Detector, scenes: Sequence[LabelledScene]) -> float:
    """COCO AP of ``model`` on ``scenes``: what epochs are judged by."""
    return coco.average_precision(truths(scenes), detect(model, scenes))


def evaluate_detector(model: Detector, scenes: Sequence[LabelledScene]) -> Precision:
    """COCO's figures of ``model`` on ``scenes``, with intervals."""
    return coco.evaluate(truths(scenes), detect(model, scenes))


def truths(scenes: Sequence[LabelledScene]) -> list[Truth]:
    """What the scenes hold, as the evaluation wants it."""
    return [Truth(scene.boxes, scene.labels) for scene in scenes]


def detect(model: Detector, scenes: Sequence[LabelledScene]) -> list[Detections]:
    """What ``model`` finds in each scene, in evaluation mode, where its parameters are."""
    device = next(model.parameters()).device
    normalise = Normalise().to(device)
    model.eval()
    found: list[Detections] = []
    with torch.inference_mode():
        for images in torch.split(pixels(scenes), BATCH):
            answers = [part.cpu().numpy() for part in model(normalise(images.to(device)))[:4]]
            for boxes, scores, classes, count in zip(*answers, strict=True):
                slots = slice(count.item())
                found.append(Detections(boxes[slots], scores[slots], classes[slots]))
    return found


def pixels(scenes: Sequence[LabelledScene]) -> Tensor:
    """The images of all scenes, (N, H, W, 3) uint8."""
    return torch.from_numpy(np.stack([scene.pixels() for scene in scenes]))
