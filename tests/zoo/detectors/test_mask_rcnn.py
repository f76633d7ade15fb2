"""Mask R-CNN's masks and their loss against plain loops; the rest is Faster R-CNN's."""

from math import ceil, log

import pytest
import torch
from torch import Tensor

from tests.zoo.detectors.promises import images_without_influence, the_same_scripted_and_reloaded
from tests.zoo.detectors.test_roi_align import bilinear
from zoo.detectors import Target, create_detector
from zoo.detectors.backbone import padded
from zoo.detectors.mask_rcnn import MaskRCNN
from zoo.detectors.mask_targets import projected

SIZE = (70, 100)  # no multiples of 32
CELLS = 28


def fresh(num_classes: int = 3, first_id: int = 0) -> MaskRCNN:
    torch.manual_seed(0)
    network = create_detector(
        "mrcnn_mbv2_simam", num_classes=num_classes + first_id, image_size=64, first_id=first_id
    )
    assert isinstance(network, MaskRCNN)
    return network


def images(batch: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(batch, 3, *SIZE, generator=generator)


def on_all_classes(model: MaskRCNN, image: Tensor, boxes: Tensor) -> Tensor:
    """Probabilities (R, classes, 28, 28) for ``boxes`` (R, 4), background included."""
    heads = model.roi_heads
    maps = model.backbone(padded(image.unsqueeze(0)))[:-1]
    pooled = heads.mask_pool(maps, boxes.unsqueeze(0), SIZE)
    logits: Tensor = heads.mask_predictor(heads.mask_head(pooled))
    return logits.sigmoid()


@torch.inference_mode()
@pytest.mark.parametrize("first_id", [0, 1])
def test_every_detection_has_the_mask_of_its_class(first_id: int) -> None:
    """The slots beyond are zeros; the images have different numbers of detections."""
    model = fresh(first_id=first_id).double().eval()
    model.score_threshold = 0.0
    batch = images(3).double()
    model.max_detections = 12
    model.score_threshold = float(model(batch)[1].median())
    boxes, _, classes, count, masks = model(batch)
    assert 0 < int(count.min()) < 12
    assert masks.shape == (3, 12, CELLS, CELLS)
    for image, its_boxes in enumerate(boxes):
        probabilities = on_all_classes(model, batch[image], its_boxes)
        for slot in range(12):
            wanted = probabilities[slot, int(classes[image, slot]) - first_id + 1]
            wanted = wanted if slot < count[image] else torch.zeros_like(wanted)
            assert torch.allclose(masks[image, slot], wanted, rtol=0, atol=1e-9)


@torch.inference_mode()
def test_nothing_found_is_nothing_shown() -> None:
    model = fresh().eval()
    model.score_threshold = 1.0
    *_, count, masks = model(images(2))
    assert count.tolist() == [[0], [0]]
    assert masks.shape == (2, model.max_detections, CELLS, CELLS)
    assert not masks.any()


@torch.inference_mode()
def test_the_images_of_a_batch_have_no_influence_on_each_other() -> None:
    model = fresh().double().eval()
    model.max_detections = 12
    images_without_influence(model, images(4).double())


@torch.inference_mode()
def test_eager_scripted_and_reloaded_answers_are_the_same() -> None:
    assert len(the_same_scripted_and_reloaded(fresh().eval(), images(2))) == 5


def discs(hw: tuple[int, int]) -> Tensor:
    """Two objects, (2, H, W) bool."""
    y, x = torch.meshgrid(torch.arange(hw[0]), torch.arange(hw[1]), indexing="ij")
    return torch.stack([(x - 24) ** 2 + (y - 20) ** 2 < 200, (x - 70) ** 2 + (y - 35) ** 2 < 500])


def in_bins(mask: Tensor, box: list[float], size: int) -> Tensor:
    """A mask (H, W) in a box, bin by bin and point by point."""
    left, top, right, bottom = box
    step_x, step_y = max(right - left, 1.0) / size, max(bottom - top, 1.0) / size
    across, down = ceil(step_x), ceil(step_y)
    found = torch.zeros(size, size, dtype=torch.float64)
    for row in range(size):
        for column in range(size):
            points = [
                bilinear(
                    mask[None].double(),
                    top + (row + (i + 0.5) / down) * step_y,
                    left + (column + (j + 0.5) / across) * step_x,
                )
                for i in range(down)
                for j in range(across)
            ]
            found[row, column] = torch.stack(points).mean()
    return found


def test_masks_are_projected_on_boxes_as_a_loop_does_it() -> None:
    """Boxes that need one point a bin, several, and other numbers in x and y; an empty one."""
    boxes = [
        [10.0, 6.0, 38.0, 34.5],
        [0.0, 0.0, 100.0, 70.0],
        [40.3, 1.0, 99.7, 9.0],
        [90.0, 60.0, 90.2, 60.1],
        [99.5, 69.5, 100.0, 70.0],
        [50.0, 50.0, 50.0, 50.0],
    ]
    matched = torch.tensor([0, 1, 1, 0, 1, 0])
    masks = discs(SIZE)
    got = projected(masks, torch.tensor(boxes, dtype=torch.float64), matched, size=7)
    for number, box in enumerate(boxes):
        wanted = in_bins(masks[matched[number]], box, size=7)
        assert torch.allclose(got[number], wanted, rtol=0, atol=1e-12)
    assert projected(masks, torch.zeros(0, 4), matched[:0], size=7).shape == (0, 7, 7)


def targets(model: MaskRCNN) -> list[Target]:
    boxes = torch.tensor([[10.0, 6, 39, 35], [48, 13, 93, 58]])
    nothing = Target(
        torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64), torch.zeros(0, *SIZE).bool()
    )
    return [nothing, Target(boxes, torch.tensor([2, 0]) + model.first_id, discs(SIZE))]


def cross_entropy(probability: float, wanted: float) -> float:
    return -wanted * log(probability) - (1 - wanted) * log(1 - probability)


@torch.no_grad()
@pytest.mark.parametrize("first_id", [0, 1])
def test_the_mask_loss_follows_its_definition(
    first_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With no proposals but the objects themselves, these are what masks are learnt from."""
    model = fresh(first_id=first_id).double()
    model.eval()  # so that batch norms see the images one by one
    batch = images(2).double()
    nothing, target = targets(model)
    target = target._replace(boxes=target.boxes.double())
    monkeypatch.setattr(model.rpn, "training_proposals", 0)
    losses = model.loss(batch, [nothing._replace(boxes=nothing.boxes.double()), target])
    assert target.masks is not None
    probabilities = on_all_classes(model, batch[1], target.boxes)
    errors = [
        cross_entropy(probability, wanted)
        for number, label in enumerate([3, 1])
        for probability, wanted in zip(
            probabilities[number, label].flatten().tolist(),
            in_bins(target.masks[number], target.boxes[number].tolist(), CELLS).flatten().tolist(),
            strict=True,
        )
    ]
    assert losses["mask"].item() == pytest.approx(sum(errors) / len(errors), rel=1e-9)


def total(losses: dict[str, Tensor]) -> Tensor:
    return torch.stack(list(losses.values())).sum()


def test_every_parameter_learns() -> None:
    model = fresh()
    total(model.loss(images(2), targets(model))).backward()
    idle = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert idle == []


def test_the_loss_falls() -> None:
    model = fresh()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    course = []
    for _ in range(5):
        losses = model.loss(images(2), targets(model))
        optimizer.zero_grad()
        total(losses).backward()
        optimizer.step()
        course.append(losses["mask"].item())
    assert course[-1] < 0.8 * course[0]


def test_images_without_objects_are_learnt_from() -> None:
    model = fresh()
    nothing = targets(model)[0]
    losses = model.loss(images(2), [nothing, nothing])
    total(losses).backward()
    assert losses["mask"] == 0.0
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


def test_targets_need_masks() -> None:
    model = fresh()
    bare = [target._replace(masks=None) for target in targets(model)]
    with pytest.raises(ValueError, match="no masks"):
        model.loss(images(2), bare)
