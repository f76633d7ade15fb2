"""The sample is bounded in number and in bytes, and keeps what is newest."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from contract.recipe import Task
from service.shadow import disagreements
from service.shadow.disagreements import Case, Disagreements, Picture
from service.values import Box, Detection, Label, Mask
from tests.service.shadow.answers import classified, detected


def filled(sizes: list[int | None], keep: int) -> Disagreements:
    sample = Disagreements()
    for size in sizes:
        sample.add(case(sample, size), keep)
    return sample


def case(sample: Disagreements, size: int | None = None, **changes) -> Case:
    answer = classified(*((str(number), 0.1) for number in range(10)))
    picture = None if size is None else Picture(bytes(size), "image/png")
    made = Case(
        number=sample.next_number(),
        at=datetime.now(UTC),
        request_id="r",
        primary=answer,
        candidate=answer,
        truth=None,
        picture=picture,
    )
    return replace(made, **changes)


def test_the_newest_are_kept_newest_first_under_numbers_of_their_own() -> None:
    sample = filled([None] * 5, 3)
    assert [one.number for one in sample] == [5, 4, 3]
    assert sample.get(2) is None
    kept = sample.get(3)
    assert kept is not None
    assert kept.number == 3
    sample.add(case(sample), 1)  # fewer are to be kept from now on
    assert [one.number for one in sample] == [6]


def test_images_of_the_oldest_go_first_when_they_are_too_many_bytes() -> None:
    third = disagreements.MOST_BYTES // 3
    sample = filled([third] * 5, 10)
    assert [one.picture is not None for one in sample] == [True, True, True, False, False]
    sample.add(case(sample, disagreements.MOST_BYTES + 1), 10)
    assert all(one.picture is None for one in sample)
    assert len(list(sample)) == 6


def test_images_can_be_forgotten_and_the_answers_stay() -> None:
    sample = filled([1, 1], 10)
    sample.forget_images()
    assert [one.picture for one in sample] == [None, None]


def test_an_answer_is_cut_to_what_a_person_looks_at() -> None:
    sample = Disagreements()
    mask = Mask(grid=np.zeros((28, 28)), frame=(0, 0, 1, 1), counts="")
    boxes = detected(*[("a", (0, 0, 1, 1))] * 150)
    masked = tuple(replace(one, mask=mask) for one in boxes.findings.detections)
    boxes = replace(boxes, findings=replace(boxes.findings, detections=masked), picture=b"png")
    sample.add(case(sample, candidate=boxes), 1)
    (kept,) = sample
    assert [label.name for label in kept.primary.findings.labels] == list("01234")
    assert kept.candidate.task is Task.DETECTION
    assert (
        kept.candidate.findings.detections
        == (Detection(Label("a", 0, 0.9), Box(0, 0, 1, 1)),) * disagreements.MOST_BOXES
    )
    assert kept.candidate.picture is None
