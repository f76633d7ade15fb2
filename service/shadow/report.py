"""What ``GET /shadow`` answers, built from the records in one place."""

import os
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from contract.recipe import Figure
from service import schemas
from service.routing.spec import Shadow, Thresholds
from service.shadow.disagreements import Case
from service.shadow.record import Record, Trial
from service.shadow.verdict import Gain, Kind, Source
from service.shadow.watcher import Cause
from service.values import Detection, Label, Result


class ModelVersion(BaseModel):
    """One version of a model."""

    model: str = Field(examples=["mbv2_simam"])
    version: str = Field(examples=["1"], description="empty while it has not answered at all")


class ShadowSettings(BaseModel):
    """What the routing file says."""

    to: str = Field(examples=["mbv2_cbam"], description="the candidate: MODEL or MODEL@VERSION")
    share: float = Field(examples=[0.1], description="of the route's answered requests")
    busy: float = Field(examples=[0.05], description="of the time, for the candidate at most")
    keep: int = Field(examples=[50], description="disagreements")
    keep_images: bool
    thresholds: Thresholds

    @classmethod
    def of(cls, shadow: Shadow) -> Self:
        """The settings of ``shadow``."""
        return cls(**shadow.model_dump(exclude={"to"}), to=str(shadow.to))


class AccuracyGain(BaseModel):
    """The candidate's accuracy less the primary's; of detectors, the average precision."""

    source: Source = Field(description="the callers' labels, the models' cards, or the agreement")
    difference: Figure

    @classmethod
    def of(cls, gain: Gain) -> Self:
        """What is told of ``gain``."""
        return cls(source=gain.source, difference=gain.difference)


class TrialInfo(BaseModel):
    """One candidate beside one primary.

    The intervals of `agreement`, `error_share`, `slowdown` and `accuracy_gain` are right with 95 %
    probability at every look together, those of `figures` at one look.
    """

    primary: ModelVersion
    candidate: ModelVersion
    verdict: Kind
    reasons: list[str] = Field(examples=[["113 of 200 images tried"]])
    compared: int = Field(examples=[113], description="images that both answered")
    errors: int = Field(examples=[0], description="images that the candidate could not answer")
    labelled: int = Field(examples=[0], description="images whose truth the callers told")
    agreement: Figure = Field(description="the same best label; of detectors, the boxes' F1")
    error_share: Figure
    slowdown: Figure | None = Field(description="the candidate's mean time over the primary's")
    accuracy_gain: AccuracyGain | None
    figures: dict[str, Figure] = Field(
        examples=[{"distance": {"value": 0.12, "low": 0.1, "high": 0.14}}],
        description="means: `distance` of the probabilities, `iou` of matched boxes, "
        "`missed_boxes` and `extra_boxes` of an image, `primary_seconds` and `candidate_seconds`; "
        "and, where truth was told, `primary_accuracy` and `candidate_accuracy`",
    )
    last_image_at: datetime

    @classmethod
    def of(cls, trial: Trial, shadow: Shadow) -> Self:
        """What is told of ``trial`` by the thresholds of ``shadow``."""
        judged, tally = trial.verdict(shadow), trial.tally
        found = judged.evidence
        accuracies = tally.accuracies() or ()
        names = ("primary_accuracy", "candidate_accuracy")
        return cls(
            primary=ModelVersion(**trial.pair.primary.model_dump()),
            candidate=ModelVersion(**trial.pair.candidate.model_dump()),
            verdict=judged.kind,
            reasons=list(judged.reasons),
            compared=tally.compared,
            errors=tally.errors,
            labelled=tally.labelled,
            agreement=found.agreement,
            error_share=found.error_share,
            slowdown=found.slowdown,
            accuracy_gain=None if found.gain is None else AccuracyGain.of(found.gain),
            figures=tally.means() | dict(zip(names, accuracies, strict=False)),
            last_image_at=trial.at,
        )


class ShadowSummary(BaseModel):
    """One shadow, as one worker of the gateway knows it."""

    name: str = Field(examples=["signs"], description="of the route")
    worker: int = Field(examples=[4711], description="process; each has a tally of its own")
    settings: ShadowSettings
    trials: list[TrialInfo] = Field(description="the one with the newest image first")
    dropped: dict[Cause, int] = Field(
        examples=[{"busy": 12, "budget": 40}],
        description="images that the candidate was not shown, by the reason",
    )


class Shadows(BaseModel):
    """What ``GET /shadow`` answers."""

    shadows: list[ShadowSummary]

    @classmethod
    def of(cls, found: Sequence[tuple[str, Shadow, Record]]) -> Self:
        """All of them."""
        return cls(shadows=[summary(name, shadow, record) for name, shadow, record in found])


class Told(BaseModel):
    """What one model said, shortened."""

    model: str = Field(examples=["mbv2_simam"])
    version: str = Field(examples=["1"])
    predictions: list[schemas.Prediction] | None = Field(
        None, description="of a classifier: the five best"
    )
    detections: list[schemas.Detection] | None = Field(
        None, description="of a detector: the hundred best, without masks"
    )

    @classmethod
    def of(cls, result: Result) -> Self:
        """What ``result`` says."""
        labels, boxes = result.findings.labels, result.findings.detections
        return cls(
            model=result.model,
            version=result.version,
            predictions=None if labels is None else list(map(_prediction, labels)),
            detections=None if boxes is None else list(map(_detection, boxes)),
        )


def _prediction(label: Label) -> schemas.Prediction:
    return schemas.Prediction(label=label.name, class_id=label.class_id, score=label.score)


def _detection(found: Detection) -> schemas.Detection:
    label, box = found.label, schemas.Box(**asdict(found.box))
    return schemas.Detection(
        label=label.name, class_id=label.class_id, score=label.score, box=box, mask=None
    )


class Disagreement(BaseModel):
    """One image that the two saw differently."""

    number: int = Field(examples=[1])
    at: datetime
    request_id: str
    primary: Told
    candidate: Told
    truth: str | None = Field(None, description="the caller's word")
    image: str | None = Field(
        None,
        examples=["/shadow/signs/images/1"],
        description="where its file is, while it is kept",
    )

    @classmethod
    def of(cls, name: str, case: Case) -> Self:
        """``case`` of the shadow ``name``."""
        return cls(
            number=case.number,
            at=case.at,
            request_id=case.request_id,
            primary=Told.of(case.primary),
            candidate=Told.of(case.candidate),
            truth=case.truth,
            image=f"/shadow/{name}/images/{case.number}" if case.picture else None,
        )


class ShadowInfo(ShadowSummary):
    """One shadow, and where its models disagreed."""

    disagreements: list[Disagreement] = Field(description="newest first")


def summary(name: str, shadow: Shadow, record: Record) -> ShadowSummary:
    """What is known of the shadow of the route ``name``, but for its disagreements."""
    return ShadowSummary(
        name=name,
        worker=os.getpid(),
        settings=ShadowSettings.of(shadow),
        trials=[TrialInfo.of(trial, shadow) for trial in reversed(record.trials.values())],
        dropped=dict(record.dropped),
    )


def info(name: str, shadow: Shadow, record: Record) -> ShadowInfo:
    """All that is known of the shadow of the route ``name``."""
    told = [Disagreement.of(name, case) for case in record.disagreements]
    return ShadowInfo(**dict(summary(name, shadow, record)), disagreements=told)
