"""Faster R-CNN's answers and losses against plain loops, and what its users rely on."""

from math import log

import pytest
import torch
from torch import Tensor

from tests.zoo.detectors.promises import (
    answers_of_every_kind,
    images_without_influence,
    the_same_scripted_and_reloaded,
)
from zoo.detectors import Detector, Target, create_detector
from zoo.detectors.backbone import padded
from zoo.detectors.faster_rcnn import FasterRCNN
from zoo.detectors.geometry import clip, iou

CLASSES = 3
THRESHOLDS = (0.05, 0.6, 0.999)
SIZE = (70, 100)  # no multiples of 32


@pytest.fixture(scope="module")
def model() -> FasterRCNN:
    """Light, with weights that make many detections of very different scores."""
    torch.manual_seed(0)
    network = create_detector("frcnn_mbv2_none", num_classes=CLASSES, image_size=SIZE)
    assert isinstance(network, FasterRCNN)
    network = network.double()
    with torch.no_grad():
        for _ in range(20):  # until then fresh batch norms fade every image to the same map
            network.backbone(padded(images(4)))
    network.eval()
    torch.nn.init.normal_(network.rpn.head.bbox_pred.weight, std=0.05)
    heads = network.roi_heads
    torch.nn.init.normal_(heads.box_predictor.bbox_pred.weight, std=2.0)
    scores = torch.nn.init.normal_(heads.box_predictor.cls_score.weight, std=10.0)
    with torch.no_grad():  # or one class would win everywhere
        maps, proposals, _ = stages(network, images(1))
        mean = heads.box_head(heads.pool(maps, proposals, SIZE)).mean(dim=0)
        heads.box_predictor.cls_score.bias.copy_(-scores @ mean)
    return network


def images(batch: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, 3, *SIZE, generator=generator, dtype=torch.float64)


def stages(model: FasterRCNN, batch: Tensor) -> tuple[list[Tensor], Tensor, Tensor]:
    """The maps that the heads look at, and the proposals with their mask."""
    whole = padded(batch)
    maps = model.backbone(whole)
    proposals, found = model.rpn(maps, (whole.shape[2], whole.shape[3]), SIZE)
    return maps[:-1], proposals, found


def detections(model: FasterRCNN, image: Tensor) -> list[tuple[float, int, list[float]]]:
    """Score, class and box, one after the other: filter, rank, suppress."""
    maps, proposals, found = stages(model, image.unsqueeze(0))
    logits, deltas = model.roi_heads.predict(maps, proposals, SIZE)
    candidates: list[tuple[float, int, Tensor]] = []
    for number, proposal in enumerate(proposals[0]):
        probabilities = logits[0, number].softmax(dim=0).tolist()
        for class_id, score in enumerate(probabilities[1:]):
            box = clip(
                model.roi_heads.coder.decode(deltas[0, number, class_id + 1], proposal), SIZE
            )
            large = (box[2:] - box[:2]).min() >= 1e-2
            if found[0, number] and large and score > model.score_threshold:
                candidates.append((score, class_id, box))
    candidates.sort(key=lambda one: -one[0])
    kept: list[tuple[float, int, Tensor]] = []
    for score, class_id, box in candidates:
        rivals = [other for _, rival, other in kept if rival == class_id]
        if not any(iou(box[None], rival[None]) > model.nms_threshold for rival in rivals):
            kept.append((score, class_id, box))
    return [
        (score, class_id, box.tolist()) for score, class_id, box in kept[: model.max_detections]
    ]


@torch.inference_mode()
@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_it_answers_what_a_plain_loop_does(
    model: FasterRCNN, threshold: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "score_threshold", threshold)
    image = images(1)
    wanted = detections(model, image[0])
    boxes, scores, classes, count = model(image)
    slots = slice(len(wanted))
    assert count.tolist() == [[len(wanted)]]
    assert scores[0, slots].tolist() == pytest.approx([score for score, _, _ in wanted], abs=1e-12)
    assert classes[0, slots].tolist() == [class_id for _, class_id, _ in wanted]
    expected = torch.tensor([box for _, _, box in wanted], dtype=torch.float64).reshape(-1, 4)
    assert torch.allclose(boxes[0, slots], expected, rtol=0, atol=1e-9)
    for part in (boxes, scores, classes):
        assert not part[0, len(wanted) :].any()


@torch.inference_mode()
def test_thresholds_leave_every_kind_of_answer(
    model: FasterRCNN, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test above sees full slots, some, and none."""
    answers_of_every_kind(model, images(1), THRESHOLDS, monkeypatch)


@torch.inference_mode()
def test_the_images_of_a_batch_have_no_influence_on_each_other(
    model: FasterRCNN, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "score_threshold", THRESHOLDS[1])
    batch = images(4)
    batch[1] = 0.0  # without content, so that the counts differ
    images_without_influence(model, batch)


@torch.inference_mode()
@pytest.mark.parametrize("attention", ["none", "simam", "cbam"])
def test_eager_scripted_and_reloaded_answers_are_the_same(attention: str) -> None:
    model = create_detector(f"frcnn_mbv2_{attention}", num_classes=2, image_size=64).eval()
    wanted = the_same_scripted_and_reloaded(model, torch.randn(2, 3, 64, 96))
    assert int(wanted[3].min()) > 0


@torch.inference_mode()
def test_ids_begin_where_they_are_told_to(
    model: FasterRCNN, monkeypatch: pytest.MonkeyPatch
) -> None:
    boxes, _, classes, count = model(images(1))
    monkeypatch.setattr(model, "first_id", 1)
    moved = model(images(1))
    assert torch.equal(moved[0], boxes)
    assert torch.equal(moved[2], classes + (torch.arange(model.max_detections) < count))


def targets(first_id: int = 0) -> list[Target]:
    boxes = torch.tensor([[8.0, 6, 40, 36], [50, 10, 90, 60]], dtype=torch.float64)
    return [
        Target(boxes, torch.tensor([2, 0]) + first_id),
        Target(torch.zeros(0, 4, dtype=torch.float64), torch.zeros(0, dtype=torch.int64)),
    ]


def smooth_l1(difference: float) -> float:
    size = abs(difference)
    return size**2 / 2 * 9 if size < 1 / 9 else size - 1 / 18


def expected_losses(model: FasterRCNN) -> dict[str, float]:
    """Region by region, with the objects among them, when all of them are learnt from."""
    maps, proposals, found = stages(model, images(2))
    classification = regression = 0.0
    sampled = 0
    for image, target in enumerate(targets()):
        regions = torch.cat((proposals[image][found[image]], target.boxes))
        logits, deltas = model.roi_heads.predict([m[[image]] for m in maps], regions[None], SIZE)
        for number, region in enumerate(regions):
            mine = iou(target.boxes, region[None])[:, 0].tolist()
            best = max(mine, default=0.0)
            label = int(target.labels[mine.index(best)]) + 1 if best >= 0.5 else 0
            sampled += 1
            classification -= log(logits[0, number].softmax(dim=0)[label])
            if label:
                offsets = model.roi_heads.coder.encode(target.boxes[mine.index(best)], region)
                wrong = (deltas[0, number, label] - offsets).tolist()
                regression += sum(smooth_l1(part) for part in wrong)
    return {
        "classification": classification / sampled,
        "bbox_regression": regression / sampled,
    }


@torch.no_grad()
@pytest.mark.parametrize("first_id", [0, 1])
def test_losses_follow_their_definition(
    model: FasterRCNN, first_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All regions are learnt from: with two objects, few enough of them are positive."""
    monkeypatch.setattr(model.rpn, "training_proposals", model.rpn.proposals)
    monkeypatch.setattr(model.roi_heads, "training_regions", 10**6)
    monkeypatch.setattr(model, "first_id", first_id)
    got = model.loss(images(2), targets(first_id))
    wanted = expected_losses(model)
    assert wanted["bbox_regression"] > 0
    assert {name: got[name].item() for name in wanted} == pytest.approx(wanted, rel=1e-9)
    assert set(got) == {*wanted, "objectness", "proposal_regression"}


def fresh(name: str) -> Detector:
    torch.manual_seed(0)
    return create_detector(name, num_classes=CLASSES, image_size=64)


def total(losses: dict[str, Tensor]) -> Tensor:
    return torch.stack(list(losses.values())).sum()


def test_every_parameter_learns() -> None:
    model = fresh("frcnn_mbv2_se")
    boxes = torch.tensor([[4.0, 4, 30, 30], [20, 20, 60, 50]])
    target = Target(boxes, torch.tensor([0, 2]))
    total(model.loss(torch.randn(2, 3, 64, 64), [target, target])).backward()
    idle = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert idle == []


def test_the_loss_falls() -> None:
    model = fresh("frcnn_mbv2_simam")
    boxes = torch.tensor([[4.0, 4, 30, 30], [20, 20, 60, 50]])
    target = Target(boxes, torch.tensor([0, 2]))
    shaped = torch.randn(2, 3, 64, 64)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    losses = []
    for _ in range(10):
        loss = total(model.loss(shaped, [target, target]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]


def test_images_without_objects_are_learnt_from() -> None:
    model = fresh("frcnn_mbv2_simam")
    nothing = Target(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))
    losses = model.loss(torch.randn(2, 3, 64, 64), [nothing, nothing])
    total(losses).backward()
    assert losses["proposal_regression"] == losses["bbox_regression"] == 0.0
    assert losses["objectness"] > 0
    assert losses["classification"] > 0
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())
