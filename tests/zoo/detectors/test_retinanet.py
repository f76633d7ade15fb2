"""RetinaNet's answers and losses against plain loops, and what its users rely on."""

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
from zoo.detectors.best import best_of
from zoo.detectors.geometry import clip, iou
from zoo.detectors.retinanet import RetinaNet

CLASSES = 3
THRESHOLDS = (0.05, 0.85, 0.99)
SIZE = (70, 100)  # no multiples of 32


@pytest.fixture(scope="module")
def model() -> RetinaNet:
    """Light, with weights that make many detections of very different scores."""
    torch.manual_seed(0)
    network = create_detector("retinanet_mbv2_none", num_classes=CLASSES, image_size=SIZE)
    assert isinstance(network, RetinaNet)
    network = network.double()
    for _ in range(20):  # until then fresh batch norms fade every image to the same map
        network.run_layers(images(4))
    for layer in network.head.modules():
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(layer.weight)
    torch.nn.init.normal_(network.head.regression_head.bbox_reg.weight, std=0.05)
    torch.nn.init.constant_(network.head.classification_head.cls_logits.bias, -1.0)
    return network.eval()


def images(batch: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, 3, *SIZE, generator=generator, dtype=torch.float64)


def predictions(model: RetinaNet, image: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Of each level of one image, the probabilities (anchors, classes) and boxes (anchors, 4)."""
    batch = padded(image.unsqueeze(0))
    maps = model.backbone(batch)
    anchors = model.anchors(maps, (batch.shape[2], batch.shape[3]))
    return [
        (logits[0].sigmoid(), clip(model.coder.decode(deltas[0], level), SIZE))
        for logits, deltas, level in zip(*model.head(maps), anchors, strict=True)
    ]


def detections(model: RetinaNet, image: Tensor) -> list[tuple[float, int, list[float]]]:
    """Score, class and box, one after the other: filter, rank, suppress."""
    candidates: list[tuple[float, int, Tensor]] = []
    for probabilities, boxes in predictions(model, image):
        of_level = [
            (score.item(), class_id, box)
            for row, box in zip(probabilities, boxes, strict=True)
            for class_id, score in enumerate(row)
            if score > model.score_threshold
        ]
        of_level.sort(key=lambda one: -one[0])
        candidates += of_level[: model.candidates]
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
    model: RetinaNet, threshold: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "score_threshold", threshold)
    image = images(1)
    wanted = detections(model, image[0])
    boxes, scores, classes, count = model(image)
    assert count.tolist() == [[len(wanted)]]
    assert scores[0, : len(wanted)].tolist() == [score for score, _, _ in wanted]
    assert classes[0, : len(wanted)].tolist() == [class_id for _, class_id, _ in wanted]
    assert boxes[0, : len(wanted)].tolist() == [box for _, _, box in wanted]
    for part in (boxes, scores, classes):
        assert not part[0, len(wanted) :].any()


@torch.inference_mode()
def test_thresholds_leave_every_kind_of_answer(
    model: RetinaNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test above sees full slots, some, and none."""
    answers_of_every_kind(model, images(1), THRESHOLDS, monkeypatch)


@torch.inference_mode()
def test_the_images_of_a_batch_have_no_influence_on_each_other(
    model: RetinaNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "score_threshold", THRESHOLDS[1])
    batch = images(3)
    batch[1] = 0.0  # without content, so that the counts differ
    images_without_influence(model, batch)


@torch.inference_mode()
@pytest.mark.parametrize("attention", ["none", "simam", "cbam"])
def test_eager_scripted_and_reloaded_answers_are_the_same(attention: str) -> None:
    model = create_detector(f"retinanet_mbv2_{attention}", num_classes=2, image_size=64).eval()
    model.score_threshold = 0.0
    the_same_scripted_and_reloaded(model, torch.randn(2, 3, 64, 96))


def test_of_equal_scores_the_first_is_the_better() -> None:
    scores = torch.tensor([[0.5, 0.7, 0.5, 0.7, 0.1, 0.5], [0.2, 0.2, 0.2, 0.2, 0.2, 0.9]])
    best, index = best_of(scores, 4)
    assert best.tolist() == torch.tensor([[0.7, 0.7, 0.5, 0.5], [0.9, 0.2, 0.2, 0.2]]).tolist()
    assert index[0].tolist()[:2] == [1, 3]
    assert index[0, 2] < index[0, 3]
    assert index[1, 0] == 5
    assert index[1, 1:].tolist() == sorted(index[1, 1:].tolist())


def targets() -> list[Target]:
    boxes = torch.tensor([[8.0, 6, 40, 36], [50, 10, 90, 60]], dtype=torch.float64)
    return [
        Target(boxes, torch.tensor([2, 0])),
        Target(torch.zeros(0, 4, dtype=torch.float64), torch.zeros(0, dtype=torch.int64)),
    ]


def focal(probability: float, wanted: bool) -> float:
    right = probability if wanted else 1 - probability
    return -(0.25 if wanted else 0.75) * (1 - right) ** 2 * log(right)


def expected_losses(model: RetinaNet, image: Tensor, target: Target) -> tuple[float, float]:
    """Anchor by anchor, after the definition."""
    batch = padded(image.unsqueeze(0))
    maps = model.backbone(batch)
    logits, deltas = (torch.cat(part, dim=1)[0] for part in model.head(maps))
    anchors = torch.cat(model.anchors(maps, (batch.shape[2], batch.shape[3])))
    overlaps = iou(target.boxes, anchors)
    classification = regression = 0.0
    objects = 0
    for number, anchor in enumerate(anchors):
        mine = overlaps[:, number].tolist()
        best = max(mine, default=0.0)
        is_best = any(o > 0 and o == overlaps[i].max() for i, o in enumerate(mine))
        if not is_best and 0.4 <= best < 0.5:
            continue
        wanted: int | None = None
        if is_best or best >= 0.5:
            objects += 1
            nearest = mine.index(best)
            wanted = int(target.labels[nearest])
            offsets = model.coder.encode(target.boxes[nearest], anchor)
            regression += float((offsets - deltas[number]).abs().sum())
        for class_id, probability in enumerate(logits[number].sigmoid().tolist()):
            classification += focal(probability, class_id == wanted)
    return classification / max(1, objects), regression / max(1, objects)


def test_losses_follow_their_definition(model: RetinaNet) -> None:
    batch = images(2)
    with torch.no_grad():
        got = model.loss(batch, targets())
        wanted = [
            expected_losses(model, image, target)
            for image, target in zip(batch, targets(), strict=True)
        ]
    assert wanted[1][1] == 0.0
    for name, parts in zip(
        ("classification", "bbox_regression"), zip(*wanted, strict=True), strict=True
    ):
        assert got[name].item() == pytest.approx(sum(parts) / 2, rel=1e-9)


def fresh(name: str) -> Detector:
    torch.manual_seed(0)
    return create_detector(name, num_classes=CLASSES, image_size=64)


def test_every_parameter_learns() -> None:
    model = fresh("retinanet_mbv2_cbam")
    shaped = torch.randn(2, 3, 64, 64)
    boxes = torch.tensor([[4.0, 4, 30, 30], [20, 20, 60, 50]])
    target = Target(boxes, torch.tensor([0, 2]))
    sum(model.loss(shaped, [target, target]).values(), torch.tensor(0.0)).backward()
    idle = [name for name, p in model.named_parameters() if p.grad is None]
    assert idle == []


def test_it_starts_out_unsure() -> None:
    """Every score is near the prior, so that background does not swamp the first steps."""
    model = fresh("retinanet_mbv2_none")
    model.score_threshold = 0.0
    with torch.inference_mode():
        scores = model.eval()(torch.randn(1, 3, 64, 64))[1]
    assert scores.min() > 0.005
    assert scores.max() < 0.02
