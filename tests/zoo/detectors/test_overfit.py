"""Two-stage detectors learn ten scenes by heart."""

from dataclasses import replace

import pytest
import torch

from zoo import weights
from zoo.detectors import create_detector
from zoo.evaluation.detector import evaluate_detector
from zoo.schedules import DetectorSchedule
from zoo.signs.dataset import Split
from zoo.signs.scenes import LABELS, load
from zoo.training.detector import train_detector
from zoo.training.start import take_over_backbone

SIDE = 96  # pixels: a third of the usual work
FOUND = 20  # detections at most: masks of a hundred would take longer than the training
SEED = 4  # of scenes: ten that hold every class four times or more
SCHEDULE = DetectorSchedule(batch_size=5, warmup_epochs=0.1)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("name", "epochs"), [("frcnn_mbv2_simam", 3), ("mrcnn_mbv2_simam", 2)])
def test_the_loss_falls_and_ten_scenes_are_learnt_by_heart(name: str, epochs: int) -> None:
    scenes = load(Split.TRAIN, 10, SEED, side=SIDE, with_masks=True)
    torch.manual_seed(0)
    model = create_detector(name, num_classes=len(LABELS), image_size=SIDE)
    take_over_backbone(model, "mbv2_simam", weights.FOLDER)
    model.max_detections = FOUND
    schedule = replace(SCHEDULE, epochs=epochs)
    run = train_detector(model, scenes * 12, scenes, schedule)  # twelve passes an epoch
    first, *_, last = run.epochs
    assert last.loss < 0.7 * first.loss
    assert evaluate_detector(model, scenes).ap50.value > 0.9
