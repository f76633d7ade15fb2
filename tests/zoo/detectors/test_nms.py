"""Suppression without a loop equals the greedy loop, ties included."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tests.zoo.detectors.scripting import scripted
from zoo.detectors.best import best_after_nms
from zoo.detectors.geometry import iou
from zoo.detectors.nms import keep_mask


def greedy(boxes: Tensor, classes: Tensor, valid: Tensor, threshold: float) -> list[bool]:
    """Take the best box that is left, drop what it overlaps, again and again."""
    kept: list[int] = []
    for number in range(len(boxes)):
        overlapped = any(
            classes[number] == classes[better]
            and iou(boxes[[number]], boxes[[better]]).item() > threshold
            for better in kept
        )
        if valid[number] and not overlapped:
            kept.append(number)
    return [number in kept for number in range(len(boxes))]


@st.composite
def crowds(draw: st.DrawFn) -> tuple[Tensor, Tensor, Tensor]:
    """Batches of boxes on a coarse lattice: equal boxes, equal overlaps and long chains abound."""
    batch, count = draw(st.integers(1, 3)), draw(st.integers(1, 24))
    seed = draw(st.integers(0, 2**31 - 1))
    generator = torch.Generator().manual_seed(seed)
    corners = torch.randint(0, 7, (batch, count, 2), generator=generator)
    sides = torch.randint(1, 6, (batch, count, 2), generator=generator)
    found = torch.cat((corners, corners + sides), dim=2).double()
    classes = torch.randint(0, draw(st.integers(1, 3)), (batch, count), generator=generator)
    valid = torch.rand(batch, count, generator=generator) < draw(st.sampled_from([0.5, 1.0]))
    return found, classes, valid


@settings(max_examples=300, deadline=None)
@given(crowd=crowds(), threshold=st.sampled_from([0.0, 0.2, 1 / 3, 0.5, 0.7, 1.0]))
def test_it_keeps_what_the_greedy_loop_keeps(
    crowd: tuple[Tensor, Tensor, Tensor], threshold: float
) -> None:
    keep = keep_mask(*crowd, threshold)
    for image, got in enumerate(keep.tolist()):
        assert got == greedy(crowd[0][image], crowd[1][image], crowd[2][image], threshold)


@settings(max_examples=200, deadline=None)
@given(crowd=crowds(), threshold=st.sampled_from([0.2, 0.5]), data=st.data())
def test_the_best_that_are_left_are_the_first_that_greedy_keeps(
    crowd: tuple[Tensor, Tensor, Tensor], threshold: float, data: st.DataObject
) -> None:
    """Scores have ties, of which the first counts as the better, and the count may be short."""
    found, classes, valid = crowd
    levels = data.draw(st.integers(1, 4))
    seed = data.draw(st.integers(0, 1000))
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randint(0, levels, valid.shape, generator=generator).double() / levels
    count = data.draw(st.integers(1, 8))
    index, there = best_after_nms(found, scores, classes, valid, threshold, count)
    for image in range(len(found)):
        order = torch.sort(scores[image], descending=True, stable=True)[1]
        kept = greedy(found[image, order], classes[image, order], valid[image, order], threshold)
        expected = [int(place) for place, keep in zip(order, kept, strict=True) if keep][:count]
        assert index[image, there[image]].tolist() == expected


@pytest.mark.parametrize("count", [100, 1000])
def test_a_crowd_and_a_chain(count: int) -> None:
    """A thousand real-valued boxes; and boxes each of which overlaps only the next."""
    generator = torch.Generator().manual_seed(count)
    corners = torch.rand(1, count, 2, generator=generator) * 60
    found = torch.cat((corners, corners + 5 + torch.rand(1, count, 2, generator=generator) * 30), 2)
    classes = torch.randint(0, 3, (1, count), generator=generator)
    every = torch.ones(1, count, dtype=torch.bool)
    if count == 100:
        assert keep_mask(found, classes, every, 0.5)[0].tolist() == greedy(
            found[0], classes[0], every[0], 0.5
        )
    x = torch.arange(count) * 0.4
    chain = torch.stack((x, torch.zeros(count), x + 1, torch.ones(count)), dim=1).unsqueeze(0)
    keep = keep_mask(chain, torch.zeros_like(classes), every, 0.3)
    assert keep[0].tolist() == [number % 2 == 0 for number in range(count)]


def test_what_overlaps_by_exactly_the_threshold_stays() -> None:
    found = torch.tensor([[[0.0, 0.0, 2.0, 1.0], [0.0, 0.0, 1.0, 1.0]]])
    classes, every = torch.zeros(1, 2, dtype=torch.int64), torch.ones(1, 2, dtype=torch.bool)
    assert keep_mask(found, classes, every, 0.5).tolist() == [[True, True]]
    assert keep_mask(found, classes, every, 0.499).tolist() == [[True, False]]


def test_it_scripts_and_takes_a_batch_without_boxes() -> None:
    compiled = scripted(keep_mask)
    found = torch.zeros(2, 0, 4)
    classes, none = torch.zeros(2, 0, dtype=torch.int64), torch.zeros(2, 0, dtype=torch.bool)
    assert compiled(found, classes, none, 0.5).shape == (2, 0)
