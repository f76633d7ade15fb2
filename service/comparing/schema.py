"""The public JSON of a comparison, built from it in one place."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from contract.recipe import Task
from service.comparing.comparison import Comparison, Pair, Vote
from service.errors import problem
from service.schemas import Answer, Detection, ImageSize, Prediction, Problem, Routing
from service.slot import Slot
from service.trace import Trace
from service.values import Result


class ComparedAnswer(BaseModel):
    """What one model says; as ``POST /predict`` tells it, less what all have in common."""

    model_config = ConfigDict(from_attributes=True)

    model: str = Field(examples=["mbv2_simam"])
    version: str = Field(examples=["1"], description="the version that computed the answer")
    task: Task
    routing: Routing | None = Field(None, description="where a route was asked for")
    untrained: bool | None = Field(
        None, description="true where the model's weights are fresh: its answer means nothing"
    )
    predictions: list[Prediction] | None = Field(
        None, description="of a classifier: its classes, best first"
    )
    detections: list[Detection] | None = Field(
        None, description="of a detector: what it found, best first"
    )
    timings_ms: dict[str, float] = Field(
        examples=[{"queue": 0.0, "infer": 6.2, "postprocess": 0.1, "total": 6.3}],
        description="of this model alone, while the others computed too",
    )


class ComparedModel(BaseModel):
    """What came of one model: an answer or a problem."""

    name: str = Field(examples=["mbv2_simam"], description="as it was asked for")
    status: int = Field(examples=[200], description="what the model alone would be answered with")
    answer: ComparedAnswer | None = None
    problem: Problem | None = None

    @classmethod
    def of(cls, slot: Slot, comparison: Comparison, path: str) -> Self:
        """The item that tells ``slot``."""
        own, outcome = slot.trace, slot.outcome
        if isinstance(outcome, Result):
            told = comparison.told(outcome)
            answer = Answer.of(told, _timings(own), own.request_id, own.routing)
            return cls(name=slot.name, status=200, answer=ComparedAnswer.model_validate(answer))
        failed = Problem(**problem(outcome, path, own.request_id))
        return cls(name=slot.name, status=outcome.status, problem=failed)


class PairAgreement(BaseModel):
    """How far the second of two models agrees with the first."""

    names: tuple[str, str] = Field(examples=[["mbv2_simam", "mbv2_none"]])
    task: Task
    top_1: bool | None = Field(None, description="of classifiers: whether the best label is one")
    distance: float | None = Field(
        None,
        examples=[0.031],
        description="of classifiers: total variation of their probabilities, 0 for alike to 1",
    )
    matched: int | None = Field(
        None, description="of detectors: boxes of one label that overlap by half (IoU 0.5)"
    )
    iou: float | None = Field(None, description="mean of the matched boxes', where there are any")
    missed: int | None = Field(None, description="boxes that the first alone has")
    extra: int | None = Field(None, description="boxes that the second alone has")

    @classmethod
    def of(cls, pair: Pair) -> Self:
        """What there is to tell of the pair's task."""
        found = pair.agreement
        classified = found.task is Task.CLASSIFICATION
        return cls(
            names=pair.names,
            task=found.task,
            top_1=found.agrees if classified else None,
            distance=found.distance,
            matched=found.matched,
            iou=found.iou,
            missed=found.missed,
            extra=found.extra,
        )


class LabelVote(BaseModel):
    """The classifiers that have one label for the best."""

    label: str = Field(examples=["no_parking_sign"])
    names: list[str] = Field(examples=[["mbv2_simam", "mbv2_none"]])

    @classmethod
    def of(cls, vote: Vote) -> Self:
        """The same as JSON."""
        return cls(label=vote.label, names=list(vote.names))


class ComparisonAnswer(BaseModel):
    """What ``POST /compare`` answers."""

    results: list[ComparedModel] = Field(description="in the order of `models`")
    agreement: list[PairAgreement] = Field(
        description="of each two that answered and have the same task"
    )
    votes: list[LabelVote] = Field(
        description="best labels of the classifiers that answered, that of most of them first"
    )
    unanimous: bool | None = Field(
        None, description="whether these all have the same; absent where fewer than two answered"
    )
    image: ImageSize
    timings_ms: dict[str, float] = Field(
        examples=[{"read": 0.1, "decode": 1.4, "preprocess": 0.9, "total": 9.1}],
        description="of what the models share, and `total` of the request",
    )
    request_id: str

    @classmethod
    def of(
        cls, comparison: Comparison, path: str, timings_ms: dict[str, float], request_id: str
    ) -> Self:
        """The answer that tells ``comparison``."""
        frames = comparison.frames
        return cls(
            results=[ComparedModel.of(slot, comparison, path) for slot in comparison.slots],
            agreement=[PairAgreement.of(pair) for pair in comparison.pairs()],
            votes=[LabelVote.of(vote) for vote in comparison.votes()],
            unanimous=comparison.unanimous(),
            image=ImageSize(
                width=comparison.width,
                height=comparison.height,
                frames=frames if frames > 1 else None,
            ),
            timings_ms=timings_ms,
            request_id=request_id,
        )


def _timings(own: Trace) -> dict[str, float]:
    """Milliseconds of each stage of one model, and of all of them."""
    spent = {stage.value: seconds for stage, seconds in own.seconds.items()}
    spent["total"] = sum(spent.values())
    return {name: round(seconds * 1000, 3) for name, seconds in spent.items()}
