"""How alike two answers to one image are; neither is taken for the truth."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contract.recipe import Task
from service.values import Box, Detection, Label, Result

MATCH_IOU = 0.5  # from which two boxes of a label are one object, as in PASCAL VOC
WHOLE = 1e-3  # that probabilities may miss 1 by; what misses it by more was cut by `top_k`


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """The likeness of a candidate's answer to the primary's; None where the task has no such."""

    task: Task
    agrees: bool  # the same best label; of detectors, no box of either without its match
    share: float  # 1 or 0 likewise; of detectors, the F1 of the matched boxes
    distance: float | None = None  # 0..1, of the probabilities; None too where one was cut
    iou: float | None = None  # mean over the matched boxes; None too where there are none
    matched: int | None = None  # boxes
    missed: int | None = None  # that the primary alone has
    extra: int | None = None  # that the candidate alone has


def agreement(primary: Result, candidate: Result) -> Agreement:
    """How far ``candidate`` answers as ``primary`` does; by labels' names, as ids may differ.

    Raises:
        ValueError: they answer different tasks.
    """
    if primary.task is not candidate.task:
        raise ValueError(f"no {primary.task} can be compared with a {candidate.task}")
    one, other = primary.findings, candidate.findings
    if primary.task is Task.DETECTION:
        return _of_boxes(one.detections or (), other.detections or ())
    return _of_labels(one.labels or (), other.labels or ())


def _of_labels(one: tuple[Label, ...], other: tuple[Label, ...]) -> Agreement:
    agrees = [label.name for label in one[:1]] == [label.name for label in other[:1]]
    return Agreement(
        task=Task.CLASSIFICATION,
        agrees=agrees,
        share=float(agrees),
        distance=_total_variation(one, other),
    )


def _total_variation(one: tuple[Label, ...], other: tuple[Label, ...]) -> float | None:
    """Half the sum of differences: the most that any event's probability differs by."""
    here = {label.name: label.score for label in one}
    there = {label.name: label.score for label in other}
    if any(abs(sum(scores.values()) - 1) > WHOLE for scores in (here, there)):
        return None
    names = here.keys() | there.keys()
    return min(1.0, sum(abs(here.get(name, 0) - there.get(name, 0)) for name in names) / 2)


def _of_boxes(one: tuple[Detection, ...], other: tuple[Detection, ...]) -> Agreement:
    matches = _matches(one, other)
    matched, boxes = len(matches), len(one) + len(other)
    return Agreement(
        task=Task.DETECTION,
        agrees=2 * matched == boxes,
        share=2 * matched / boxes if boxes else 1.0,
        iou=float(np.mean(matches)) if matches else None,
        matched=matched,
        missed=len(one) - matched,
        extra=len(other) - matched,
    )


def _matches(one: tuple[Detection, ...], other: tuple[Detection, ...]) -> list[float]:
    """The overlaps of matched boxes: greedily, those that overlap most first."""
    if not (one and other):
        return []
    overlaps = _overlaps(_corners(one), _corners(other))
    names = np.array([found.label.name for found in one])
    alike = names[:, None] == np.array([found.label.name for found in other])
    rows, columns = np.nonzero(alike & (overlaps >= MATCH_IOU))
    order = np.argsort(-overlaps[rows, columns], kind="stable")
    taken_rows, taken_columns, matched = set[int](), set[int](), []
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if row not in taken_rows and column not in taken_columns:
            taken_rows.add(row)
            taken_columns.add(column)
            matched.append(float(overlaps[row, column]))
    return matched


def _corners(found: tuple[Detection, ...]) -> NDArray[np.float64]:
    """(N, 4) edges: x1 y1 x2 y2."""
    return np.array([_edges(one.box) for one in found], np.float64)


def _edges(box: Box) -> tuple[float, float, float, float]:
    return box.x_min, box.y_min, box.x_max, box.y_max


def _overlaps(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, M) intersections over unions of boxes (N, 4) and (M, 4) that are not empty."""
    upper = np.maximum(one[:, None, :2], other[None, :, :2])
    lower = np.minimum(one[:, None, 2:], other[None, :, 2:])
    shared = np.prod(np.clip(lower - upper, 0, None), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (one, other)]
    overlaps: NDArray[np.float64] = shared / (areas[0][:, None] + areas[1][None, :] - shared)
    return overlaps
