"""Published detectors: torchvision's, with a ResNet50 and a feature pyramid."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from zoo.checkpoints.graft import kept_entries
from zoo.checkpoints.naming import Rules, renamed
from zoo.checkpoints.restored import Restored
from zoo.checkpoints.state import CheckpointError, State, load
from zoo.detectors import DETECTORS, Detector, create_detector
from zoo.registry import Table

BODY = "backbone.body."
IMAGE_SIZE = 800  # pixels: the shorter side that the published weights were trained at

EARLIER_NAMES: Rules = (  # of the entries of released files, before torchvision 0.13
    (r"^(backbone\.fpn\.(?:inner|layer)_blocks\.\d+)\.0\.", r"\1."),
    (r"^rpn\.head\.conv\.0\.0\.", "rpn.head.conv."),
    *((rf"^(head\.\w+_head\.conv)\.{i}\.0\.", rf"\1.{2 * i}.") for i in range(4)),
    *(
        (rf"^roi_heads\.mask_head\.{i}\.0\.", f"roi_heads.mask_head.mask_fcn{i + 1}.")
        for i in range(4)
    ),
)


@dataclass(frozen=True, slots=True)
class DetectorSource:
    """One published detector: which of ours it is, and how its entries tell its classes."""

    detector: str  # the zoo's name, up to the attention
    class_entry: str  # its length is the number of classes, times this number
    per_class: int
    first_id: int  # 1: class 0 is the background, which is never answered

    def num_classes(self, state: State) -> int | None:
        """As the reference counts them, the background included; None if the entry is missing."""
        entry = state.get(self.class_entry)
        return None if entry is None else len(entry) // self.per_class

    def options(self, norm_eps: float | None) -> dict[str, Any]:
        """Arguments of create_detector."""
        first = {"first_id": self.first_id} if self.first_id else {}
        return first | ({} if norm_eps is None else {"norm_eps": norm_eps})


_SCORES = "roi_heads.box_predictor.cls_score.bias"
DETECTOR_SOURCES: Table[DetectorSource] = Table("published detector")
DETECTOR_SOURCES.add(
    "retinanet_resnet50_fpn",
    DetectorSource("retinanet_rn50", "head.classification_head.cls_logits.bias", 9, first_id=0),
)
DETECTOR_SOURCES.add(
    "fasterrcnn_resnet50_fpn", DetectorSource("frcnn_rn50", _SCORES, 1, first_id=1)
)
DETECTOR_SOURCES.add("maskrcnn_resnet50_fpn", DetectorSource("mrcnn_rn50", _SCORES, 1, first_id=1))


def restore_detector(  # noqa: PLR0913 - each is a choice of its own
    source: str,
    state: State,
    *,
    num_classes: int | None,
    image_size: int | tuple[int, int] | None,
    attention: str | None,
    norm_eps: float | None,
) -> Restored:
    """As ``from_official`` has it, of a state without wrapping."""
    origin = DETECTOR_SOURCES[source]
    classes = _agreed(source, num_classes, origin.num_classes(state))
    size = IMAGE_SIZE if image_size is None else image_size
    options = origin.options(norm_eps)

    def build(mechanism: str) -> Detector:
        name = f"{origin.detector}_{mechanism}"
        return create_detector(name, num_classes=classes, image_size=size, **options)

    try:
        network = build(attention or "none")
    except ValueError as error:  # a size or a number of classes that no detector has
        raise CheckpointError(str(error)) from error
    with torch.device("meta"):
        plain = build("none")
    name = f"{origin.detector}_{attention or 'none'}"
    names = _names(plain, network, DETECTORS[name].mechanism.layer, state)
    spare = plain.state_dict() if attention else ()
    report = load(network, state, names, spare=spare)
    return Restored(
        network=network.eval(),
        report=report,
        name=name,
        options=options,
        num_classes=classes,
        image_size=size,
        shorter_side=None,
    )


def _agreed(source: str, asked: int | None, found: int | None) -> int:
    """The number of classes; where the entry that tells it is missing, `load` will name it."""
    if asked is not None and found is not None and asked != found:
        raise CheckpointError(
            f"num_classes is {asked}, but this {source} has {found} classes, the background "
            "included where there is one"
        )
    return asked or found or 2


def _names(
    plain: Detector, network: Detector, attention: type[torch.nn.Module], state: State
) -> Mapping[str, str]:
    """Of our entries, all but the attention's, those of the checkpoint, in its time's words."""
    kept = kept_entries(plain.backbone.body, network.backbone.body, attention)
    ours = {BODY + key: BODY + plain_key for key, plain_key in kept.items()}
    ours |= {key: key for key in network.state_dict() if not key.startswith(BODY)}
    return {key: _as_spelt(name, state) for key, name in ours.items()}


def _as_spelt(name: str, state: State) -> str:
    earlier = renamed(name, EARLIER_NAMES)
    return earlier if name not in state and earlier in state else name
