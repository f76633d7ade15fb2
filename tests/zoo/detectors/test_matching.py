"""Matching and sampling: every case of the definition, and the shares."""

import pytest
import torch

from zoo.detectors.matching import BELOW, BETWEEN, Matcher, balanced_sample

# Two objects, five boxes.
OVERLAPS = torch.tensor([[0.8, 0.5, 0.2, 0.0, 0.1], [0.1, 0.6, 0.35, 0.0, 0.3]])


def test_boxes_take_the_object_they_overlap_most() -> None:
    matched = Matcher(0.7, 0.3, keep_best=False)(OVERLAPS)
    assert matched.tolist() == [0, BETWEEN, BETWEEN, BELOW, BETWEEN]


def test_no_object_goes_unlearnt_but_what_nothing_overlaps() -> None:
    matcher = Matcher(0.7, 0.3, keep_best=True)
    assert matcher(OVERLAPS).tolist() == [0, 1, BETWEEN, BELOW, BETWEEN]
    nothing = torch.cat((OVERLAPS, torch.zeros(1, 5)))
    assert matcher(nothing).tolist() == [0, 1, BETWEEN, BELOW, BETWEEN]


def test_without_objects_everything_is_background() -> None:
    assert Matcher(0.5, 0.4, keep_best=True)(torch.zeros(0, 3)).tolist() == [BELOW] * 3


@pytest.mark.parametrize(
    ("positives", "expected"), [(100, (64, 192)), (10, (10, 246)), (0, (0, 256))]
)
def test_positives_have_their_share_and_background_fills_up(
    positives: int, expected: tuple[int, int]
) -> None:
    matched = torch.full((1000,), BELOW)
    matched[:positives] = 3
    matched[positives : positives + 50] = BETWEEN
    torch.manual_seed(0)
    mask = balanced_sample(matched, 256, 0.25)
    assert (int((mask & (matched >= 0)).sum()), int((mask & (matched == BELOW)).sum())) == expected
    assert not (mask & (matched == BETWEEN)).any()
    assert not torch.equal(mask, balanced_sample(matched, 256, 0.25)), "the choice is not random"


def test_all_there_is_when_there_is_too_little() -> None:
    matched = torch.tensor([0, BELOW, BETWEEN, 1, 1])
    assert balanced_sample(matched, 256, 0.5).tolist() == [True, True, False, True, True]
