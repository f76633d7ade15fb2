"""Proposals and their losses against plain loops."""

from math import exp, log

import pytest
import torch
from torch import Tensor

from tests.zoo.detectors.scripting import scripted
from zoo.detectors import rpn
from zoo.detectors.designs import TwoStageDesign
from zoo.detectors.geometry import clip, iou
from zoo.detectors.rpn import RegionProposalNetwork

IMAGE = (60, 90)  # pixels
PADDED = (64, 96)
TRUTHS = [
    torch.tensor([[8.0, 6, 40, 36], [50, 10, 90, 60]], dtype=torch.float64),
    torch.zeros(0, 4, dtype=torch.float64),
]


@pytest.fixture(scope="module")
def network() -> RegionProposalNetwork:
    """On strides 8, 16 and 32, with weights that move the anchors well and rank them clearly."""
    torch.manual_seed(0)
    design = TwoStageDesign(smallest_anchor=8, channels=6, proposals=60, training_proposals=90)
    found = RegionProposalNetwork(design, levels=3).double()
    for layer in (found.head.cls_logits, found.head.conv[0][0]):
        torch.nn.init.kaiming_normal_(layer.weight)
    torch.nn.init.normal_(found.head.bbox_pred.weight, std=0.2)
    return found.eval()


def maps(batch: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    sides = [(PADDED[0] // stride, PADDED[1] // stride) for stride in (8, 16, 32)]
    return [torch.randn(batch, 6, *hw, generator=generator, dtype=torch.float64) for hw in sides]


def proposals(network: RegionProposalNetwork, pyramid: list[Tensor], count: int) -> list[Tensor]:
    """Of one image, level by level and box by box."""
    kept: list[tuple[float, Tensor]] = []
    logits, deltas = network.head(pyramid)
    for level, anchors in enumerate(network.anchors(pyramid, PADDED)):
        boxes = clip(network.coder.decode(deltas[level][0], anchors), IMAGE)
        best = sorted(range(len(boxes)), key=lambda place: -logits[level][0, place])[:count]
        of_level: list[tuple[float, Tensor]] = []
        for place in best:
            box = boxes[place]
            better = torch.stack([anchors[0], *(other for _, other in of_level)])[1:]
            overlapped = (iou(box[None], better) > 0.7).any()
            if (box[2:] - box[:2]).min() >= 1e-3 and not overlapped:
                of_level.append((float(logits[level][0, place]), box))
        kept += of_level
    kept.sort(key=lambda one: -one[0])
    return [box for _, box in kept[:count]]


@torch.inference_mode()
@pytest.mark.parametrize("count", [5, 60, 400])
def test_it_proposes_what_a_plain_loop_does(network: RegionProposalNetwork, count: int) -> None:
    """Few of many, more than some levels have, and more than there are."""
    pyramid = maps(batch=2)
    logits, deltas = network.head(pyramid)
    anchors = network.anchors(pyramid, PADDED)
    boxes, found = network.propose(logits, deltas, anchors, IMAGE, count)
    assert boxes.shape == (2, count, 4)
    for image in range(2):
        wanted = proposals(network, [level[[image]] for level in pyramid], count)
        assert found[image].tolist() == [slot < len(wanted) for slot in range(count)]
        assert torch.allclose(boxes[image, : len(wanted)], torch.stack(wanted), rtol=0, atol=1e-9)
        assert not boxes[image, len(wanted) :].any()


@torch.inference_mode()
def test_boxes_that_clipping_leaves_nothing_of_are_no_proposals(
    network: RegionProposalNetwork,
) -> None:
    """Two anchors, of which one lies outside the image and is the better one."""
    anchors = torch.tensor([[200.0, 8, 220, 20], [8, 8, 20, 20]], dtype=torch.float64)
    logits = torch.tensor([[3.0, -3.0]], dtype=torch.float64)
    deltas = torch.zeros(1, 2, 4, dtype=torch.float64)
    boxes, found = network.propose([logits], [deltas], [anchors], IMAGE, 2)
    assert found.tolist() == [[True, False]]
    assert boxes[0].tolist() == [[8, 8, 20, 20], [0, 0, 0, 0]]


@torch.inference_mode()
def test_it_scripts(network: RegionProposalNetwork) -> None:
    pyramid = maps(batch=2)
    boxes, found = network(pyramid, PADDED, IMAGE)
    assert boxes.shape == (2, 60, 4)
    for got, wanted in zip(scripted(network)(pyramid, PADDED, IMAGE), (boxes, found), strict=True):
        assert torch.equal(got, wanted)


def smooth_l1(difference: float) -> float:
    size = abs(difference)
    return size**2 / 2 * 9 if size < 1 / 9 else size - 1 / 18


def expected_losses(network: RegionProposalNetwork, pyramid: list[Tensor]) -> dict[str, float]:
    """Anchor by anchor, when every one that stands for something or for nothing is learnt from."""
    logits, deltas = (torch.cat(part, dim=1) for part in network.head(pyramid))
    anchors = torch.cat(network.anchors(pyramid, PADDED))
    objectness = regression = 0.0
    sampled = 0
    for image, truths in enumerate(TRUTHS):
        overlaps = iou(truths, anchors)
        for number, anchor in enumerate(anchors):
            mine = overlaps[:, number].tolist()
            best = max(mine, default=0.0)
            is_best = any(o > 0 and o == overlaps[i].max() for i, o in enumerate(mine))
            if not is_best and 0.3 <= best < 0.7:
                continue
            sampled += 1
            logit = float(logits[image, number])
            if is_best or best >= 0.7:
                objectness += log(1 + exp(-logit))
                offsets = network.coder.encode(truths[mine.index(best)], anchor)
                wrong = (deltas[image, number] - offsets).tolist()
                regression += sum(smooth_l1(part) for part in wrong)
            else:
                objectness += log(1 + exp(logit))
    return {"objectness": objectness / sampled, "proposal_regression": regression / sampled}


@torch.no_grad()
def test_losses_follow_their_definition(
    network: RegionProposalNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rpn, "SAMPLED", 10**6)
    boxes, found, losses = network.learn(maps(batch=2), PADDED, IMAGE, TRUTHS)
    wanted = expected_losses(network, maps(batch=2))
    assert wanted["proposal_regression"] > 0
    assert {name: loss.item() for name, loss in losses.items()} == pytest.approx(wanted, rel=1e-9)
    assert boxes.shape == (2, 90, 4)
    assert found.any(dim=1).all()


def test_the_sample_is_random_but_repeatable(network: RegionProposalNetwork) -> None:
    def objectness(seed: int) -> float:
        torch.manual_seed(seed)
        with torch.no_grad():
            return float(network.learn(maps(batch=2), PADDED, IMAGE, TRUTHS)[2]["objectness"])

    assert objectness(0) == objectness(0)
    assert objectness(0) != objectness(1)
