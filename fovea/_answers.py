"""What predictions are answered with; the gateway's JSON, member by member."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

from fovea._decode import decode
from fovea._errors import ProblemError, UnexpectedAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """One class and its probability, 0 to 1."""

    label: str
    class_id: int
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassMap:
    """Where one class was seen: a coarse grid over the model's whole input.

    ``map`` has rows from the top; a cell is what it adds to the class's logit, the mean of all.
    """

    label: str
    class_id: int
    map: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Edges in pixels of the uploaded image, upright; 0, 0 is its upper left corner."""

    x_min: float
    y_min: float
    x_max: float
    y_max: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Mask:
    """Pixels of one object as COCO's compressed run-length encoding.

    ``size`` is the height and width of the uploaded image;
    ``pycocotools.mask.decode(dataclasses.asdict(mask))`` gives the pixels.
    """

    size: tuple[int, int]
    counts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """One object that was found; ``mask`` is there where the model segments what it finds."""

    label: str
    class_id: int
    score: float
    box: Box
    mask: Mask | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSize:
    """Size of the upload in pixels, upright; of several ``frames`` the first was looked at."""

    width: int
    height: int
    frames: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedOver:
    """A model that should have answered: it was ``overloaded``, ``broken`` or too ``slow``.

    ``version`` is there where it had been settled.
    """

    model: str
    reason: str
    version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """Why this model answered.

    ``rule`` is what the choice rests on: ``name``, ``default``, ``alias``, ``weight``, ``sticky``,
    ``forced`` or ``policy``; ``why`` says more where that is not all. ``route`` is the one that was
    asked for. The model that answered is the fallback of the last that was ``passed_over``.
    ``cache`` is ``hit``, ``miss`` or ``shared``, where the gateway has one.
    """

    rule: str
    route: str | None = None
    why: str | None = None
    passed_over: tuple[PassedOver, ...] = ()
    cache: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a model says of one image.

    ``task`` is ``classification``, which fills ``predictions`` and, where they were asked for,
    ``class_maps``; or ``detection``, which fills ``detections``. All are best first.
    ``untrained`` weights are fresh, and what they say means nothing. ``timings_ms`` has
    milliseconds by stage, and the ``total``. ``routing`` is None where the model was named, and it
    answered.
    """

    model: str
    version: str
    task: str
    image: ImageSize
    predictions: tuple[Prediction, ...] = ()
    class_maps: tuple[ClassMap, ...] = ()
    detections: tuple[Detection, ...] = ()
    untrained: bool = False
    routing: Routing | None = None
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchItem:
    """What came of one image of a batch: ``answer``, or the ``error`` that it alone met.

    ``index`` is its place in the request, ``file`` its name where it had one.
    """

    index: int
    answer: Answer | None = None
    error: ProblemError | None = None
    file: str | None = None

    def result(self) -> Answer:
        """The answer.

        Raises:
            ProblemError: as ``predict`` of this image alone would have.
        """
        if self.answer is None:
            raise self.error or UnexpectedAnswer(f"image {self.index} has no answer")
        return self.answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch(Sequence[BatchItem]):
    """What came of each image, in the order of the request."""

    results: tuple[BatchItem, ...]
    timings_ms: Mapping[str, float] = field(default_factory=dict)  # of the request
    request_id: str = ""

    def __len__(self) -> int:
        return len(self.results)

    def __iter__(self) -> Iterator[BatchItem]:
        return iter(self.results)

    @overload
    def __getitem__(self, place: int) -> BatchItem: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[BatchItem, ...]: ...
    def __getitem__(self, place: int | slice) -> BatchItem | tuple[BatchItem, ...]:
        return self.results[place]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    """As the gateway tells a ``BatchItem``."""

    index: int
    status: int
    file: str | None = None
    answer: Answer | None = None
    problem: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    results: tuple[_Item, ...]
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    request_id: str = ""


def batch(document: object) -> Batch:
    """The batch that ``document`` tells.

    Raises:
        UnexpectedAnswer: it tells none.
    """
    told = decode(_Batch, document, "batch")
    return Batch(
        results=tuple(map(_item, told.results)),
        timings_ms=told.timings_ms,
        request_id=told.request_id,
    )


def _item(told: _Item) -> BatchItem:
    error = None if told.problem is None else ProblemError.of(told.problem, told.status)
    return BatchItem(index=told.index, answer=told.answer, error=error, file=told.file)
