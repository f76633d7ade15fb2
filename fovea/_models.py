"""What the gateway tells of a model."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A measured value with its 95 % confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """Where the weights come from and how good they are.

    ``macs`` are multiply-accumulates of one image. ``trained_on`` is an ISO date. What imported
    weights do not say is None.
    """

    architecture: str
    attention: str
    parameters: int
    data: str
    weights_sha256: str
    macs: int | None = None
    epochs: int | None = None
    trained_on: str | None = None
    metrics: Mapping[str, Figure] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalisation:
    """Levels 0 to 255: level × scale, less the channel's mean, by its deviation."""

    scale: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSpec:
    """What the gateway makes of an image: any will do, whatever its size.

    ``fit`` is ``stretch``, ``crop`` (of an image whose shorter side became ``shorter_side``) or
    ``letterbox`` (with bars of the RGB colour ``fill``).
    """

    name: str
    height: int
    width: int
    fit: str
    shorter_side: int | None = None
    colour: str = "rgb"
    interpolation: str = "bilinear"
    fill: tuple[int, int, int] | None = None
    layout: str = "nhwc"
    normalisation: Normalisation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionLimits:
    """A detector's own limits; a call may only be stricter."""

    score_threshold: float
    nms_threshold: float
    max_detections: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model of Triton's repository.

    ``reason`` says why it is not ``servable``, or why its newest recipe is not the one in use.
    ``versions`` are the ready ones, oldest first. A position in ``labels`` is a class id. The rest
    is None where the model has no recipe, ``detection`` also of a classifier, and ``card`` where
    nobody vouches for the weights. ``untrained`` weights are fresh: what they say means nothing.
    """

    name: str
    servable: bool
    reason: str | None = None
    versions: tuple[str, ...] = ()
    task: str | None = None
    input: InputSpec | None = None
    labels: tuple[str, ...] | None = None
    detection: DetectionLimits | None = None
    card: Card | None = None
    untrained: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """What ``GET /models`` answers."""

    models: tuple[Model, ...]
