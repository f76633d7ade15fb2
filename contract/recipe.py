"""The recipe: how to feed one model and read its answer; it travels in the Triton config."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

SCHEMA = 1  # raised when a reader of the old form could no longer understand the new one
PARAMETER = "fovea_recipe"  # the key of config.pbtxt's `parameters` that holds the JSON


class RecipeError(ValueError):
    """A recipe that cannot be used; the message names the field and what it should be."""


class Task(StrEnum):
    """What a model answers."""

    CLASSIFICATION = "classification"
    DETECTION = "detection"


class Fit(StrEnum):
    """How an image of any shape becomes height × width."""

    STRETCH = "stretch"  # both sides resized, the aspect ratio is not kept
    CROP = "crop"  # shorter side resized to `shorter_side`, then the centre is cut out
    LETTERBOX = "letterbox"  # longer side resized, the rest filled with `fill`


class ColourOrder(StrEnum):
    """Order of the three channels that the model expects."""

    RGB = "rgb"
    BGR = "bgr"


class Layout(StrEnum):
    """Order of the tensor's axes behind the batch."""

    NHWC = "nhwc"  # height, width, channels: as pixels lie in memory
    NCHW = "nchw"  # channels, height, width: as PyTorch's networks take them


class Interpolation(StrEnum):
    """Resampling filter of the resize; both are antialiased when shrinking, as Pillow's are."""

    BILINEAR = "bilinear"
    BICUBIC = "bicubic"


class Role(StrEnum):
    """What one output tensor means. B is the batch, K the fixed number of detection slots."""

    PROBABILITIES = "probabilities"  # (B, classes) float32, each row sums to 1
    LOGITS = "logits"  # (B, classes) float32; the softmax is the reader's
    # (B, K, h, w) float32: what each position adds to the logit of the K most probable classes,
    # best first, of equal ones the lower id first; the mean of a map is its class's logit.
    CLASS_MAPS = "class_maps"
    BOXES = "boxes"  # (B, K, 4) float32, x1 y1 x2 y2 in input pixels
    SCORES = "scores"  # (B, K) float32, best first
    CLASSES = "classes"  # (B, K) int64, indices into the labels
    COUNT = "count"  # (B, 1) int64, how many of the K slots are filled
    MASKS = "masks"  # (B, K, 28, 28) float32, mask probabilities inside each box


REQUIRED_ROLES = {
    Task.CLASSIFICATION: {Role.PROBABILITIES},
    Task.DETECTION: {Role.BOXES, Role.SCORES, Role.CLASSES, Role.COUNT},
}

ALIKE = {Role.LOGITS: Role.PROBABILITIES}  # a role that may stand in for another


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalisation:
    """Levels 0..255 as float32: level × scale, less the channel's mean, by its deviation.

    Channels are in the order that the model expects.
    """

    scale: float = 1 / 255
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.scale) and self.scale > 0):
            raise RecipeError(f"input.normalisation.scale is {self.scale}; it must be over 0")
        if not all(map(math.isfinite, self.mean)):
            raise RecipeError(f"input.normalisation.mean is {self.mean}; it must be three numbers")
        if not all(math.isfinite(one) and one > 0 for one in self.std):
            raise RecipeError(f"input.normalisation.std is {self.std}; each must be over 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSpec:
    """The image tensor: uint8, (B, height, width, 3), normalised inside the model.

    A model that was not exported here may want float32 or the channels first: see the last two.
    """

    name: str
    height: int
    width: int
    fit: Fit
    shorter_side: int | None = None  # pixels; with Fit.CROP only
    colour: ColourOrder = ColourOrder.RGB
    interpolation: Interpolation = Interpolation.BILINEAR
    fill: tuple[int, int, int] = (114, 114, 114)  # RGB of the bars of a letterbox
    layout: Layout = Layout.NHWC
    normalisation: Normalisation | None = None  # None: uint8, as the pixels are

    def __post_init__(self) -> None:
        for name, side in (("height", self.height), ("width", self.width)):
            if side < 1:
                raise RecipeError(f"input.{name} is {side}; it must be at least 1 pixel")
        if not all(0 <= level <= 255 for level in self.fill):
            raise RecipeError(f"input.fill is {self.fill}; each level must lie in 0..255")
        if (self.fit is Fit.CROP) != (self.shorter_side is not None):
            raise RecipeError("input.shorter_side belongs to fit 'crop': give both or neither")
        if self.shorter_side is not None and self.shorter_side < max(self.height, self.width):
            raise RecipeError(
                f"input.shorter_side is {self.shorter_side}; it must cover the "
                f"{self.height}x{self.width} crop"
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """The tensor's, without the batch."""
        if self.layout is Layout.NCHW:
            return (3, self.height, self.width)
        return (self.height, self.width, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSpec:
    """One output tensor and its meaning."""

    name: str
    role: Role
    shape: tuple[int, ...] | None = None  # of one image's part; for class maps only: (K, h, w)

    def __post_init__(self) -> None:
        if (self.role is Role.CLASS_MAPS) != (self.shape is not None):
            raise RecipeError("output.shape belongs to the role class_maps: give both or neither")
        if self.shape is not None and (len(self.shape) != 3 or min(self.shape) < 1):
            raise RecipeError(f"output.shape is {self.shape}; it must be maps, height, width")


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionSpec:
    """What the model does with its candidates before it answers; a request may be stricter."""

    score_threshold: float  # boxes that score less, or as much, are left out
    nms_threshold: float  # of two boxes of a class whose IoU exceeds it, the better one stays
    max_detections: int  # K, the slots of every output

    def __post_init__(self) -> None:
        for name in ("score_threshold", "nms_threshold"):
            share = getattr(self, name)
            if not 0 <= share <= 1:
                raise RecipeError(f"detection.{name} is {share}; it must lie in 0..1")
        if self.max_detections < 1:
            raise RecipeError(
                f"detection.max_detections is {self.max_detections}; it must be at least 1"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A measured value with its 95 % confidence interval."""

    value: float
    low: float
    high: float


# Of a card's metrics: how good a model is on the test data, in one figure.
QUALITY = {Task.CLASSIFICATION: "test_accuracy", Task.DETECTION: "test_ap"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """Where the weights come from and how good they are."""

    architecture: str  # e.g. "MobileNetV2 (320-channel form)"
    attention: str  # the zoo's name of the mechanism
    parameters: int
    macs: int | None = None  # multiply-accumulates of one image, of layers and of attention
    data: str  # what it was trained and tested on, seeds included
    epochs: int | None  # None: imported weights do not say
    trained_on: str | None  # ISO date; None likewise
    weights_sha256: str
    metrics: Mapping[str, Figure] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything a gateway must know about one model."""

    schema: int = SCHEMA
    task: Task
    input: InputSpec
    outputs: tuple[OutputSpec, ...]
    labels: tuple[str, ...]  # position = class id
    detection: DetectionSpec | None = None  # of detectors, and only of them
    card: Card | None = None  # None: nobody vouches for these weights
    untrained: bool = False  # fresh weights: what the model answers means nothing

    def __post_init__(self) -> None:
        if self.schema != SCHEMA:
            raise RecipeError(f"schema is {self.schema}; this release reads {SCHEMA}")
        if not self.labels:
            raise RecipeError("labels is empty; name every class, in the order of the class ids")
        if len(set(self.labels)) != len(self.labels):
            raise RecipeError("labels repeats a name; each class needs its own")
        self._check_roles([output.role for output in self.outputs])
        if (self.task is Task.DETECTION) != (self.detection is not None):
            raise RecipeError("detection belongs to the task 'detection': give both or neither")
        if self.untrained and self.card is not None:
            raise RecipeError("untrained is true; weights that have a card were trained")

    def _check_roles(self, roles: list[Role]) -> None:
        missing = sorted(REQUIRED_ROLES[self.task] - {ALIKE.get(role, role) for role in roles})
        if missing:
            raise RecipeError(f"outputs lacks {', '.join(missing)}, which {self.task} needs")
        if len(set(roles)) != len(roles):
            raise RecipeError("outputs names one role twice")
        if {Role.PROBABILITIES, Role.LOGITS} <= set(roles):
            raise RecipeError("outputs has probabilities and logits; one of them is enough")

    def spec(self, role: Role) -> OutputSpec:
        """The tensor that plays ``role``; KeyError if none does."""
        for spec in self.outputs:
            if spec.role is role:
                return spec
        raise KeyError(role)

    def output(self, role: Role) -> str:
        """Name of the tensor that plays ``role``; KeyError if none does."""
        return self.spec(role).name

    def has(self, role: Role) -> bool:
        """Whether a tensor plays ``role``."""
        return any(spec.role is role for spec in self.outputs)
