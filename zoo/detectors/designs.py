"""What tells a light detector from a usual one, as data; the defaults are torchvision 0.28's."""

from dataclasses import dataclass

RATIOS = (0.5, 1.0, 2.0)  # of an anchor, height / width

Sizes = tuple[tuple[int, ...], ...]
"""Of each level, the square roots of its anchors' areas, in pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetinaNetDesign:
    """A pyramid on the backbone's maps from ``finest_stride`` on, two more above, dense heads."""

    finest_stride: int = 8
    smallest_anchor: int = 32  # pixels, on the finest level; it doubles from level to level
    ratios: tuple[float, ...] = RATIOS
    channels: int = 256  # of the pyramid and the heads
    head_depth: int = 4  # convolutions before the one that predicts
    candidates: int = 1000  # of each level, that go into NMS
    score_threshold: float = 0.05
    nms_threshold: float = 0.5
    max_detections: int = 300

    def anchor_sizes(self, levels: int) -> Sizes:
        """Three sizes a level, a third of an octave apart, in whole pixels."""
        sides = [self.smallest_anchor * 2**level for level in range(levels)]
        return tuple((s, int(s * 2 ** (1 / 3)), int(s * 2 ** (2 / 3))) for s in sides)


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoStageDesign:
    """Faster R-CNN and Mask R-CNN: a pyramid and one pooled level above, proposals, and heads."""

    finest_stride: int = 4
    smallest_anchor: int = 32  # pixels, on the finest level; it doubles from level to level
    ratios: tuple[float, ...] = RATIOS
    channels: int = 256  # of the pyramid and the heads' convolutions
    proposals: int = 1000  # of each level before NMS, and of each image after it
    training_proposals: int = 2000  # likewise, while training
    proposal_nms_threshold: float = 0.7
    training_regions: int = 512  # of each image, sampled of its proposals for the heads to learn
    representation: int = 1024  # width of the box head
    score_threshold: float = 0.05
    nms_threshold: float = 0.5
    max_detections: int = 100

    def anchor_sizes(self, levels: int) -> Sizes:
        """One size a level."""
        return tuple((self.smallest_anchor * 2**level,) for level in range(levels))


RETINANET = RetinaNetDesign()
TWO_STAGE = TwoStageDesign()

# On mbv2, for CPUs and small GPUs: images of a few hundred pixels, in which objects are small.
LIGHT_RETINANET = RetinaNetDesign(
    smallest_anchor=16, channels=96, head_depth=2, candidates=300, max_detections=100
)
LIGHT_TWO_STAGE = TwoStageDesign(
    smallest_anchor=16,
    channels=96,
    proposals=256,
    training_proposals=512,
    training_regions=128,
    representation=256,
)
