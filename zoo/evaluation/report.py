"""What an evaluation found, for people and for machines."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from contract.recipe import Figure, Task
from zoo.evaluation import coco
from zoo.evaluation.calibration import Calibration, calibration
from zoo.evaluation.classifier import confusion, judge, wilson
from zoo.evaluation.coco import Detections, Precision, Truth, figures

ALL = "all"  # what the accuracy over all classes is called
SCHEMA = 1  # of the JSON; raised when a reader of the old form could no longer understand it


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRow:
    """How one class fared."""

    label: str
    images: int  # that show it
    recall: Figure | None  # the share of them that was answered so; None: no image shows it
    precision: Figure | None  # the share of such answers that is right; None: never answered


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierReport:
    """``confusion[i][j]`` images of class i were answered as class j."""

    images: int
    accuracy: Figure
    classes: tuple[ClassRow, ...]  # in the order of the class ids
    confusion: tuple[tuple[int, ...], ...]
    calibration: Calibration
    task: str = Task.CLASSIFICATION.value


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassPrecision:
    """COCO's AP of one class; None: no image holds it."""

    label: str
    objects: int
    ap: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorReport:
    """COCO's figures over all classes, with intervals, and the AP of each."""

    images: int
    precision: Precision
    classes: tuple[ClassPrecision, ...]  # in the order of the class ids
    task: str = Task.DETECTION.value


Report = ClassifierReport | DetectorReport


def classifier_report(answers: Tensor, truth: Tensor, labels: Sequence[str]) -> ClassifierReport:
    """Of logits ``answers`` (N, classes) to images of classes ``truth`` (N,) int64.

    Raises:
        ValueError: there are no images.
    """
    matrix = confusion(answers, truth)
    return ClassifierReport(
        images=len(truth),
        accuracy=judge(answers, truth).accuracy,
        classes=tuple(_class_row(matrix, number, label) for number, label in enumerate(labels)),
        confusion=tuple(tuple(row) for row in matrix.tolist()),
        calibration=calibration(torch.softmax(answers.double(), dim=1), truth),
    )


def detector_report(
    truths: Sequence[Truth], found: Sequence[Detections], labels: Sequence[str]
) -> DetectorReport:
    """Of what was ``found`` in images that hold ``truths``.

    Raises:
        ValueError: no image holds anything.
    """
    precision = coco.evaluate(truths, found)
    by_class = coco.by_class(truths, found)
    objects = [
        sum((truth.labels == number).sum() for truth in truths) for number in range(len(labels))
    ]
    return DetectorReport(
        images=len(truths),
        precision=precision,
        classes=tuple(
            ClassPrecision(label=label, objects=int(objects[number]), ap=by_class.get(number))
            for number, label in enumerate(labels)
        ),
    )


def to_json(report: Report, *, name: str, weights_sha256: str, data: str, split: str) -> str:
    """The machine's form, described in docs/evaluation.md; figures keep every digit."""
    head = {"schema": SCHEMA, "name": name, "weights_sha256": weights_sha256}
    where = {"data": data, "split": split}
    return json.dumps(head | where | asdict(report), indent=1, ensure_ascii=False) + "\n"


def lines(report: Report, said: Mapping[str, Figure]) -> Iterator[str]:
    """The people's form; ``said`` has what the card says of some figures."""
    width = max(20, *(len(row.label) for row in report.classes))
    if isinstance(report, DetectorReport):
        yield f"{'':{width}} {'objects':>8}  AP"
        for one in report.classes:
            ap = "–" if one.ap is None else f"{one.ap:.2%}"
            yield f"{one.label:{width}} {one.objects:8}  {ap}"
        summary = figures(report.precision)
    else:
        yield f"{'':{width}} {'images':>8}  {'recall':25}  precision"
        for row in report.classes:
            recall, precision = _or_dash(row.recall), _or_dash(row.precision)
            yield f"{row.label:{width}} {row.images:8}  {recall:25}  {precision}"
        found = report.calibration
        yield f"calibration error (ECE, {len(found.bins)} bins of equal width): {found.ece:.2%}"
        summary = [(ALL, report.accuracy)]
    for name, figure in summary:
        remark = f"; the card says {percent(said[name])}" if name in said else ""
        yield f"{name:{width}} {percent(figure)}{remark}"


def percent(figure: Figure) -> str:
    """A share with its interval."""
    return f"{figure.value:.2%} ({figure.low:.2%}–{figure.high:.2%})"


def _or_dash(figure: Figure | None) -> str:
    return "–" if figure is None else percent(figure)


def _class_row(matrix: Tensor, number: int, label: str) -> ClassRow:
    images, answers = int(matrix[number].sum()), int(matrix[:, number].sum())
    right = int(matrix[number, number])
    return ClassRow(
        label=label,
        images=images,
        recall=wilson(right, images) if images else None,
        precision=wilson(right, answers) if answers else None,
    )
