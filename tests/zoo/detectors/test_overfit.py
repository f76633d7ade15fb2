"""Two-stage detectors learn ten scenes by heart."""

import pytest
import torch

from tests.thorough import thorough
from zoo import weights
from zoo.detectors import create_detector
from zoo.detectors.two_stage import TwoStageDetector
from zoo.evaluation.detector import evaluate_detector
from zoo.schedules import DetectorSchedule
from zoo.signs.dataset import Split
from zoo.signs.scenes import LABELS, load
from zoo.training.detector import train_detector
from zoo.training.start import take_over_backbone

SIDE = 96  # pixels: a third of the usual work
REGIONS = 32  # of a scene to learn from: with more, the mask head would take most of a step
FOUND = 20  # detections at most: masks of a hundred would take longer than the training
SEED = 4  # of scenes: ten that hold every class four times or more
SCHEDULE = DetectorSchedule(epochs=2, batch_size=5, warmup_epochs=0.1)


@pytest.mark.parametrize(
    "name", ["frcnn_mbv2_simam", pytest.param("mrcnn_mbv2_simam", marks=thorough)]
)
def test_the_loss_falls_and_ten_scenes_are_learnt_by_heart(name: str) -> None:
    scenes = load(Split.TRAIN, 10, SEED, side=SIDE, with_masks=True)
    torch.manual_seed(0)
    model = create_detector(name, num_classes=len(LABELS), image_size=SIDE)
    take_over_backbone(model, "mbv2_simam", weights.FOLDER)
    assert isinstance(model, TwoStageDetector)
    model.max_detections = FOUND
    model.roi_heads.training_regions = REGIONS
    run = train_detector(model, scenes * 12, scenes, SCHEDULE)  # twelve passes an epoch
    first, last = run.epochs
    assert last.loss < 0.7 * first.loss
    assert evaluate_detector(model, scenes).ap50.value > 0.9
