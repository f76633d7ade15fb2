"""An example of a comparison: two classifiers that agree, and one that cannot be asked."""

from typing import Any

from contract.recipe import Task
from service.accept import JSON
from service.comparing.comparison import Comparison
from service.comparing.schema import ComparisonAnswer
from service.errors import ModelNotReady
from service.examples.answers import SIGN
from service.examples.names import CLASSIFIER, OTHER_CLASSIFIER, REQUEST_ID
from service.slot import Slot
from service.trace import Stage, Trace
from service.values import Findings, Label, Result

COMPARISON_PATH = "/compare"
UNLOADED = "mbv2_cbam"


def _slot(name: str, infer_seconds: float, scores: tuple[float, float]) -> Slot:
    stages = {Stage.QUEUE: 0.0, Stage.INFER: infer_seconds, Stage.POSTPROCESS: 0.0001}
    labels = tuple(
        Label(label, class_id, score)
        for label, class_id, score in zip((SIGN, "no_driving_sign"), (4, 3), scores, strict=True)
    )
    result = Result(
        model=name,
        version="1",
        task=Task.CLASSIFICATION,
        findings=Findings(labels=labels),
        width=640,
        height=480,
    )
    return Slot(name, result, Trace(REQUEST_ID, seconds=stages))


COMPARED = ComparisonAnswer.of(
    Comparison(
        slots=(
            _slot(CLASSIFIER, 0.0062, (0.97, 0.03)),
            _slot(OTHER_CLASSIFIER, 0.0051, (0.94, 0.06)),
            Slot(
                UNLOADED,
                ModelNotReady(f"model {UNLOADED!r}: no version of it is loaded"),
                Trace(REQUEST_ID),
            ),
        ),
        width=640,
        height=480,
        frames=1,
    ),
    COMPARISON_PATH,
    {"read": 0.1, "decode": 1.4, "preprocess": 0.9, "total": 9.1},
    REQUEST_ID,
)
COMPARISON: dict[str, Any] = {
    "description": "each model's answer or problem, in the order of `models`, and how far those "
    "agree that answered",
    "headers": ["Server-Timing"],
    "content": {
        JSON: {
            "examples": {
                "classifiers": {
                    "summary": "two that agree, and one that is not loaded",
                    "value": COMPARED.model_dump(mode="json", exclude_none=True),
                }
            }
        }
    },
}
