"""What several models are answered to have seen in one image."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from fovea._answers import Answer, ImageSize
from fovea._decode import decode
from fovea._errors import ProblemError, UnexpectedAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What came of one model: ``answer``, or the ``error`` that it alone met.

    ``name`` is as it was asked for. ``timings_ms`` of the answer are this model's alone.
    """

    name: str
    answer: Answer | None = None
    error: ProblemError | None = None

    def result(self) -> Answer:
        """The answer.

        Raises:
            ProblemError: as ``predict`` of this model alone would have.
        """
        if self.answer is None:
            raise self.error or UnexpectedAnswer(f"model {self.name!r} has no answer")
        return self.answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far two models of one task agree, those named first and second in ``names``.

    Of classifiers: whether their best labels are the same (``top_1``), and the total variation
    ``distance`` of their scores, 0 (alike) to 1. Of detectors: how many boxes were ``matched`` and
    with which mean ``iou`` (None where none was), how many of the first the second has ``missed``,
    and how many it has in addition (``extra``).
    """

    names: tuple[str, str]
    task: str
    top_1: bool | None = None
    distance: float | None = None
    matched: int | None = None
    iou: float | None = None
    missed: int | None = None
    extra: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """The classifiers that have ``label`` for the best."""

    label: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Whole:
    """What a comparison tells beside each model's answer."""

    agreement: tuple[Agreement, ...] = ()
    votes: tuple[Vote, ...] = ()
    unanimous: bool | None = None
    image: ImageSize
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison(_Whole):
    """What each model says of one image, in the order of the request, and how far they agree.

    ``agreement`` has each pair of one task of which both answered. ``votes`` are the classifiers',
    most first; ``unanimous`` is whether these agree, None where fewer than two answered.
    ``timings_ms`` are of what all models shared, and the request's ``total``.
    """

    results: tuple[Compared, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    """As the gateway tells a ``Compared``; its answer leaves out what all answers share."""

    name: str
    status: int
    answer: Mapping[str, Any] | None = None
    problem: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Comparison(_Whole):
    results: tuple[_Item, ...]


def comparison(document: object) -> Comparison:
    """The comparison that ``document`` tells.

    Raises:
        UnexpectedAnswer: it tells none.
    """
    told = decode(_Comparison, document, "comparison")
    shared = {"image": asdict(told.image), "request_id": told.request_id}
    return Comparison(
        results=tuple(_compared(item, shared) for item in told.results),
        **{one.name: getattr(told, one.name) for one in fields(_Whole)},
    )


def _compared(told: _Item, shared: Mapping[str, Any]) -> Compared:
    answer = None if told.answer is None else decode(Answer, {**told.answer, **shared}, told.name)
    error = None if told.problem is None else ProblemError.of(told.problem, told.status)
    return Compared(name=told.name, answer=answer, error=error)
