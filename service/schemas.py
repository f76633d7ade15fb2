"""The public JSON, as pydantic models built from results in one place."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from contract.recipe import Card, DetectionSpec, InputSpec, Task
from service import decision, values
from service.decision import Cached, Reason, Rule
from service.errors import problem
from service.slot import Batch, Slot
from service.trace import Trace
from service.values import Model, Result


class Prediction(BaseModel):
    """One class and its probability."""

    label: str = Field(examples=["no_parking_sign"])
    class_id: int = Field(examples=[4])
    score: float = Field(examples=[0.97])


class ClassMap(BaseModel):
    """Where one class was seen: a coarse map over the model's whole input."""

    label: str = Field(examples=["no_parking_sign"])
    class_id: int = Field(examples=[4])
    map: list[list[float]] = Field(
        examples=[[[-0.4, 1.2], [0.3, 6.9]]],
        description="rows from the top; parts of the class's logit, which is their mean",
    )


class Box(BaseModel):
    """Edges in pixels of the uploaded image, upright; 0, 0 is its upper left corner."""

    x_min: float = Field(examples=[12.0])
    y_min: float = Field(examples=[30.5])
    x_max: float = Field(examples=[55.2])
    y_max: float = Field(examples=[71.9])


class Mask(BaseModel):
    """Pixels of one object as COCO's run-length encoding, which pycocotools decodes."""

    size: tuple[int, int] = Field(
        examples=[[480, 640]], description="height and width of the uploaded image"
    )
    counts: str = Field(
        examples=["aa75g>8J4M2N2N2N2N2N2O0O2O000O2O0000000000000001N10001N101N2N2N2N2N2N3L6HcQd8"],
        description="run lengths down the columns, in COCO's compressed form",
    )


class Detection(BaseModel):
    """One object that was found."""

    label: str = Field(examples=["no_parking_sign"])
    class_id: int = Field(examples=[4])
    score: float = Field(examples=[0.91])
    box: Box
    mask: Mask | None = Field(None, description="of models that segment what they find")


class ImageSize(BaseModel):
    """Size of the uploaded image in pixels, upright (after its EXIF orientation)."""

    width: int = Field(examples=[640])
    height: int = Field(examples=[480])
    frames: int | None = Field(
        None, description="of an animation or a file of several pages; the first was looked at"
    )


class PassedOver(BaseModel):
    """A model that should have answered."""

    model: str = Field(examples=["mbv2_simam"])
    version: str | None = Field(None, description="where it had been settled")
    reason: Reason


class Routing(BaseModel):
    """Why this model answered: absent where the caller named it and no more is to be told."""

    rule: Rule = Field(examples=["weight"], description="what the choice rests on")
    route: str | None = Field(
        None, examples=["signs"], description="of the routing file, where one was asked for"
    )
    why: str | None = Field(None, description="in words, where the rule does not say it all")
    passed_over: list[PassedOver] | None = Field(
        None, description="in their order; the model that answered is the fallback of the last"
    )
    cache: Cached | None = Field(None, description="where the gateway has a response cache")

    @classmethod
    def of(cls, routing: decision.Routing | None) -> Self | None:
        """What there is to tell."""
        if routing is None or routing.plain:
            return None
        passed_over = [
            PassedOver(model=one.model, version=one.version or None, reason=one.reason)
            for one in routing.passed_over
        ]
        return cls(
            rule=routing.rule,
            route=routing.route or None,
            why=routing.why or None,
            passed_over=passed_over or None,
            cache=routing.cache,
        )


class Answer(BaseModel):
    """What ``POST /predict`` answers."""

    model: str = Field(examples=["mbv2_simam"])
    version: str = Field(examples=["1"], description="the version that computed the answer")
    task: Task
    routing: Routing | None = None
    untrained: bool | None = Field(
        None, description="true where the model's weights are fresh: its answer means nothing"
    )
    predictions: list[Prediction] | None = Field(
        None, description="of a classifier: its classes, best first"
    )
    class_maps: list[ClassMap] | None = Field(
        None, description="with `class_map=true`: of the first predictions, in their order"
    )
    detections: list[Detection] | None = Field(
        None, description="of a detector: what it found, best first"
    )
    image: ImageSize
    timings_ms: dict[str, float] = Field(
        examples=[
            {
                "read": 0.1,
                "decode": 1.4,
                "preprocess": 0.9,
                "infer": 6.2,
                "postprocess": 0.1,
                "total": 8.8,
            }
        ]
    )
    request_id: str

    @classmethod
    def of(
        cls,
        result: Result,
        timings_ms: dict[str, float],
        request_id: str,
        routing: decision.Routing | None = None,
    ) -> Self:
        """The answer that tells ``result``, and what it was chosen by."""
        return cls(
            model=result.model,
            version=result.version,
            task=result.task,
            routing=Routing.of(routing),
            untrained=result.untrained or None,
            predictions=_predictions(result.findings.labels),
            class_maps=_class_maps(result.findings.class_maps),
            detections=_detections(result),
            image=ImageSize(
                width=result.width,
                height=result.height,
                frames=result.frames if result.frames > 1 else None,
            ),
            timings_ms=timings_ms,
            request_id=request_id,
        )


def _predictions(labels: Sequence[values.Label] | None) -> list[Prediction] | None:
    if labels is None:
        return None
    return [
        Prediction(label=label.name, class_id=label.class_id, score=label.score) for label in labels
    ]


def _class_maps(maps: Sequence[values.ClassMap] | None) -> list[ClassMap] | None:
    if maps is None:
        return None
    return [
        ClassMap(label=one.label.name, class_id=one.label.class_id, map=one.parts.tolist())
        for one in maps
    ]


def _detections(result: Result) -> list[Detection] | None:
    if result.findings.detections is None:
        return None
    size = (result.height, result.width)
    return [
        Detection(
            label=one.label.name,
            class_id=one.label.class_id,
            score=one.label.score,
            box=Box(**asdict(one.box)),
            mask=None if one.mask is None else Mask(size=size, counts=one.mask.counts),
        )
        for one in result.findings.detections
    ]


def timings(trace: Trace) -> dict[str, float]:
    """Milliseconds of each stage, and `total` since the request arrived."""
    spent = {stage.value: seconds for stage, seconds in trace.seconds.items()}
    spent["total"] = trace.elapsed_seconds()
    return {name: round(seconds * 1000, 3) for name, seconds in spent.items()}


class ModelInfo(BaseModel):
    """One model of Triton's repository."""

    name: str
    servable: bool = Field(description="whether a prediction can be asked of it")
    reason: str | None = Field(
        description="why it cannot be asked, or why its newest recipe is not the one in use"
    )
    versions: list[str] = Field(description="ready ones, oldest first")
    task: Task | None
    input: InputSpec | None
    labels: list[str] | None = Field(description="position = class id")
    detection: DetectionSpec | None = Field(description="limits of a detector's answer")
    card: Card | None = Field(description="where the weights come from and how good they are")
    untrained: bool | None = Field(
        description="whether the weights are fresh, so that every answer means nothing"
    )

    @classmethod
    def of(cls, model: Model) -> Self:
        """What the catalogue knows of ``model``."""
        recipe = model.recipe
        return cls(
            name=model.name,
            servable=model.servable,
            reason=model.reason or model.warning or None,
            versions=list(model.versions),
            task=recipe.task if recipe else None,
            input=recipe.input if recipe else None,
            labels=list(recipe.labels) if recipe else None,
            detection=recipe.detection if recipe else None,
            card=recipe.card if recipe else None,
            untrained=recipe.untrained if recipe else None,
        )


class Models(BaseModel):
    """What ``GET /models`` answers."""

    models: list[ModelInfo]


class Health(BaseModel):
    """What the probes answer when all is well."""

    status: str = Field(examples=["ready"])


class Problem(BaseModel):
    """Every failure: application/problem+json, RFC 9457. Some have further members."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["urn:fovea:problem:unknown-model"])
    title: str
    status: int
    detail: str | None = None
    instance: str = Field(description="the path that was asked for")
    request_id: str
    field: str | None = Field(None, description="what in the request was wrong")
    remedy: str | None = Field(None, description="what to do about it")


class BatchItem(BaseModel):
    """What came of one image of a batch: an answer or a problem."""

    index: int = Field(examples=[0], description="position in the request, from 0")
    file: str | None = Field(None, examples=["a.jpg"], description="name of the form's file")
    status: int = Field(examples=[200], description="what the image alone would be answered with")
    answer: Answer | None = None
    problem: Problem | None = None

    @classmethod
    def of(cls, index: int, slot: Slot, path: str) -> Self:
        """The item that tells ``slot``."""
        request_id, outcome = slot.trace.request_id, slot.outcome
        if isinstance(outcome, Result):
            told = Answer.of(outcome, timings(slot.trace), request_id, slot.trace.routing)
            return cls(index=index, file=slot.name or None, status=200, answer=told)
        failed = Problem(**problem(outcome, path, request_id))
        return cls(index=index, file=slot.name or None, status=outcome.status, problem=failed)


class BatchAnswer(BaseModel):
    """What ``POST /predict`` answers to several images, or to a list of them."""

    results: list[BatchItem]
    timings_ms: dict[str, float] = Field(
        examples=[{"read": 4.2, "total": 31.7}], description="of the request; items have their own"
    )
    request_id: str

    @classmethod
    def of(cls, batch: Batch, path: str, timings_ms: dict[str, float], request_id: str) -> Self:
        """The answer that tells ``batch``."""
        items = [BatchItem.of(index, slot, path) for index, slot in enumerate(batch.slots)]
        return cls(results=items, timings_ms=timings_ms, request_id=request_id)
