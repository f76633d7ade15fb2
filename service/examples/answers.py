"""Examples of a prediction that went well: a classifier's, a detector's, a batch's, a picture."""

from typing import Any

from pydantic import BaseModel

from contract.recipe import Task
from service.accept import JSON, PNG
from service.errors import UnreadableImage
from service.examples import problems
from service.examples.bodies import BINARY
from service.examples.names import CLASSIFIER, DETECTOR, REQUEST_ID
from service.schemas import Answer, BatchAnswer, BatchItem, Problem
from service.values import Box, Detection, Findings, Label, Result

SIGN = "no_parking_sign"
CLASSIFIED = Answer.of(
    Result(
        model=CLASSIFIER,
        version="1",
        task=Task.CLASSIFICATION,
        findings=Findings(labels=(Label(SIGN, 4, 0.97), Label("no_driving_sign", 3, 0.02))),
        width=640,
        height=480,
    ),
    {
        "read": 0.1,
        "queue": 0.0,
        "decode": 1.4,
        "preprocess": 0.9,
        "infer": 6.2,
        "postprocess": 0.1,
        "total": 8.8,
    },
    REQUEST_ID,
)
DETECTED = Answer.of(
    Result(
        model=DETECTOR,
        version="1",
        task=Task.DETECTION,
        findings=Findings(
            detections=(Detection(Label(SIGN, 4, 0.91), Box(12.0, 30.5, 55.2, 71.9)),)
        ),
        width=640,
        height=480,
    ),
    {
        "read": 0.1,
        "queue": 0.0,
        "decode": 1.5,
        "preprocess": 2.1,
        "infer": 48.0,
        "postprocess": 0.2,
        "total": 52.0,
    },
    REQUEST_ID,
)
UNREADABLE = problems.document(problems.error(UnreadableImage, "/predict"), "/predict")
BATCH = BatchAnswer(
    results=[
        BatchItem(index=0, file="a.jpg", status=200, answer=CLASSIFIED, problem=None),
        BatchItem(
            index=1,
            file="b.txt",
            status=UnreadableImage.status,
            answer=None,
            problem=Problem(**UNREADABLE),
        ),
    ],
    timings_ms={"read": 4.2, "total": 31.7},
    request_id=REQUEST_ID,
)
ANSWERS = {
    "classifier": ("what a classifier sees", CLASSIFIED),
    "detector": ("what a detector finds, and where", DETECTED),
    "batch": ("several images, one of which cannot be read", BATCH),
}


def _example(summary: str, answer: BaseModel) -> dict[str, Any]:
    return {"summary": summary, "value": answer.model_dump(mode="json", exclude_none=True)}


PREDICTION = {
    "description": "what was found; a picture of it with `Accept: image/png` or `render=true`; a "
    "list where several images were sent, each with an answer or a problem in its place",
    "headers": ["Server-Timing", "X-Routing"],
    "content": {
        JSON: {"examples": {name: _example(*answer) for name, answer in ANSWERS.items()}},
        PNG: {
            "schema": BINARY,
            "examples": {
                "picture": {
                    "summary": "the image with what was found drawn on it, from its first bytes",
                    "value": "\x89PNG\r\n\x1a\n\0\0\0\rIHDR…",
                }
            },
        },
    },
}
