"""The values that travel the request line, and the record of one request's course."""

import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from contract.recipe import Recipe, Task


class Stage(StrEnum):
    """The timed steps of a prediction, in their order."""

    READ = "read"
    DECODE = "decode"  # includes waiting for a thread of the pool
    PREPROCESS = "preprocess"
    INFER = "infer"
    POSTPROCESS = "postprocess"


class Outcome(StrEnum):
    """How a request ended; a closed set, because it is a metric's label."""

    OK = "ok"
    CLIENT_ERROR = "client_error"
    OVERLOADED = "overloaded"
    UNAVAILABLE = "unavailable"
    DEADLINE = "deadline"
    CANCELLED = "cancelled"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the caller asked for; None leaves the choice to the gateway."""

    model: str | None = None
    version: str | None = None
    top_k: int | None = None
    class_maps: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A request's body, not yet read."""

    chunks: AsyncIterator[bytes]
    content_type: str
    content_length: int | None = None


@dataclass(frozen=True, slots=True)
class Upload:
    """The bytes of one file that should be an image."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Image:
    """An upright, opaque 8-bit RGB picture.

    It stays in Pillow's memory, because the resize happens there too: a detour through an array
    would copy a 640×480 picture twice.
    """

    picture: PIL.Image.Image

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
class Geometry:
    """Where the image went inside the tensor: tensor = image × scale + offset, per axis."""

    scale_x: float
    scale_y: float
    offset_x: float
    offset_y: float
    width: int  # of the image
    height: int

    def undo(self, points: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """(…, 2) x, y in tensor pixels to image pixels, clipped to the image."""
        scale, offset = (self.scale_x, self.scale_y), (self.offset_x, self.offset_y)
        moved = (np.asarray(points, dtype=np.float64) - offset) / scale
        return np.clip(moved, 0, (self.width, self.height))


@dataclass(frozen=True, slots=True)
class Prepared:
    """The (1, H, W, 3) uint8 tensor, C-contiguous, and the way back to the image."""

    tensor: NDArray[np.uint8]
    geometry: Geometry


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model of Triton's repository, as far as the gateway knows it."""

    name: str
    versions: tuple[str, ...] = ()  # ready ones, ascending
    recipe: Recipe | None = None
    reason: str = ""  # why it cannot be asked; empty when it can

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A finished prediction."""

    model: str
    version: str
    task: Task
    labels: tuple[Label, ...]
    class_maps: tuple[ClassMap, ...] | None = None  # None: not asked for
    width: int
    height: int


@dataclass(slots=True)
class Trace:
    """What is known of one request so far: written by the steps, read by logs and metrics.

    Stages follow each other without gaps, so their times add up to the prediction's.
    """

    request_id: str
    started: float = field(default_factory=time.perf_counter)
    model: str = ""  # only ever a name or version that Triton knows, never the caller's words
    version: str = ""
    outcome: Outcome = Outcome.OK
    cause: str = ""  # of a failure; for the log alone
    stage: Stage | None = None  # the one under way
    seconds: dict[Stage, float] = field(default_factory=dict)
    _entered: float = 0.0

    def enter(self, stage: Stage | None, at: float | None = None) -> None:
        """End the stage under way and begin ``stage``, now or at ``at`` of perf_counter."""
        now = time.perf_counter() if at is None else at
        if self.stage is not None:
            self.seconds[self.stage] = now - self._entered
        self.stage, self._entered = stage, now

    def elapsed_seconds(self) -> float:
        """Seconds since the request arrived."""
        return time.perf_counter() - self.started
