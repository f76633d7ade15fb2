"""The values that travel the request line."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from contract.recipe import Recipe, Task


class Policy(StrEnum):
    """How `model=auto` chooses among the models that fit."""

    BEST = "best"  # the most accurate by its card
    FASTEST = "fastest"  # the least recent p95


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the caller asked for; None leaves the choice to the gateway."""

    model: str | None = None
    version: str | None = None
    top_k: int | None = None
    class_maps: bool = False
    score_threshold: float | None = None
    max_detections: int | None = None
    render: bool = False  # whether the answer is a picture
    task: Task | None = None  # of the model to choose, where none is named
    policy: Policy | None = None  # of `model=auto`; the best by default
    budget_seconds: float | None = None  # likewise: what its recent p95 may be
    route_key: str | None = None  # equal keys get the same target of a route
    target: str | None = None  # of a route, picked by the caller
    truth: str | None = None  # the image's true label, for the judgement of shadows
    fresh: bool = False  # whether to answer past the cache
    timeout_seconds: float | None = None  # no more than the gateway's own


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A request's body, not yet read."""

    chunks: AsyncIterator[bytes]
    content_type: str
    leaving: Callable[[], Awaitable[object]]  # ends when the caller has gone; to call once read
    content_length: int | None = None
    most_images: int | None = None  # the gateway's own bound by default

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in lower case."""
        return self.content_type.partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class Upload:
    """The bytes of one file that should be an image."""

    data: bytes
    name: str = ""  # the caller's, of a form's part


@dataclass(frozen=True, slots=True)
class Uploads:
    """A batch, in the body's order; of an image that cannot be read out of it, the reason."""

    items: tuple[Upload | Exception, ...]


@dataclass(frozen=True, slots=True)
class Image:
    """An upright, opaque 8-bit RGB picture.

    It stays in Pillow's memory, because the resize happens there too: a detour through an array
    would copy a 640×480 picture twice.
    """

    picture: PIL.Image.Image
    frames: int = 1  # of the file; the picture is the first

    @property
    def width(self) -> int:
        """Columns."""
        return self.picture.width

    @property
    def height(self) -> int:
        """Rows."""
        return self.picture.height

    def pixels(self) -> NDArray[np.uint8]:
        """A (height, width, 3) copy."""
        return np.asarray(self.picture)


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model of Triton's repository, as far as the gateway knows it."""

    name: str
    versions: tuple[str, ...] = ()  # ready ones, ascending
    recipe: Recipe | None = None
    reason: str = ""  # why it cannot be asked; empty when it can
    warning: str = ""  # what is wrong with it although it can

    @property
    def servable(self) -> bool:
        """Whether a prediction can be asked of it."""
        return not self.reason


@dataclass(frozen=True, slots=True)
class Choice:
    """The model that answers; version "" is Triton's default, the highest ready one."""

    model: str
    version: str
    recipe: Recipe


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment, on the monotonic clock, after which nobody waits for the answer."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """The deadline ``seconds`` from now."""
        return cls(time.monotonic() + seconds)

    def remaining_seconds(self) -> float:
        """Seconds left; negative once it has passed."""
        return self.at - time.monotonic()


@dataclass(frozen=True, slots=True)
class Outputs:
    """The arrays a model answered with, by tensor name, and the version that computed them."""

    arrays: Mapping[str, NDArray[Any]]
    version: str


@dataclass(frozen=True, slots=True)
class Label:
    """One class and its probability."""

    name: str
    class_id: int
    score: float


@dataclass(frozen=True, slots=True)
class ClassMap:
    """Where in the model's input one class was seen: (h, w) parts of its logit, row by row."""

    label: Label
    parts: NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Box:
    """Edges in pixels of the image, which they do not leave; the first pixel is 0 to 1."""

    x_min: float
    y_min: float
    x_max: float
    y_max: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Mask:
    """Which pixels of the image belong to one object."""

    grid: NDArray[np.floating[Any]]  # (h, w) probabilities, spread evenly over the frame
    frame: tuple[float, float, float, float]  # x1 y1 x2 y2; the model's box, before any clipping
    counts: str  # the image's pixels over 0.5, as COCO's compressed run lengths


@dataclass(frozen=True, slots=True)
class Detection:
    """One object."""

    label: Label
    box: Box
    mask: Mask | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What a model's outputs say; the parts that its task has."""

    labels: tuple[Label, ...] | None = None  # best first
    class_maps: tuple[ClassMap, ...] | None = None  # of the first labels
    detections: tuple[Detection, ...] | None = None  # best first

    @property
    def top_score(self) -> float | None:
        """Of the best label, or of the best detection's; None where nothing was found."""
        if self.labels:
            return self.labels[0].score
        return self.detections[0].label.score if self.detections else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A finished prediction."""

    model: str
    version: str
    task: Task
    findings: Findings
    width: int  # of the image
    height: int
    frames: int = 1  # of the file; the first one was looked at
    untrained: bool = False  # the model's weights are fresh: the findings mean nothing
    picture: bytes | None = None  # a PNG; None: not asked for
