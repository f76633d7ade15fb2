"""The gateway's JSON as dataclasses: all of it is read, what is new is passed over."""

import dataclasses
import pickle

import numpy as np
import pytest
from pycocotools import mask as coco

import fovea
from contract import recipe
from fovea._answers import batch
from fovea._decode import decode
from service import schemas
from service.comparing import schema as comparing

ANSWER = {
    "model": "signs",
    "version": "3",
    "task": "classification",
    "predictions": [{"label": "stop", "class_id": 4, "score": 1}],
    "image": {"width": 640, "height": 480},
    "timings_ms": {"infer": 6.25, "total": 8},
    "request_id": "4f1c",
}
PROBLEM = {
    "type": "urn:fovea:problem:unreadable-image",
    "title": "Unreadable image",
    "status": 422,
    "detail": "no image",
}


def answer(**members: object) -> fovea.Answer:
    return decode(fovea.Answer, ANSWER | members, "answer")


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (fovea.Answer, schemas.Answer),
        (fovea.Routing, schemas.Routing),
        (fovea.PassedOver, schemas.PassedOver),
        (fovea.Prediction, schemas.Prediction),
        (fovea.ClassMap, schemas.ClassMap),
        (fovea.Detection, schemas.Detection),
        (fovea.Box, schemas.Box),
        (fovea.Mask, schemas.Mask),
        (fovea.ImageSize, schemas.ImageSize),
        (fovea.Batch, schemas.BatchAnswer),
        (fovea.Comparison, comparing.ComparisonAnswer),
        (fovea.Agreement, comparing.PairAgreement),
        (fovea.Vote, comparing.LabelVote),
        (fovea.Model, schemas.ModelInfo),
        (fovea.InputSpec, recipe.InputSpec),
        (fovea.Normalisation, recipe.Normalisation),
        (fovea.DetectionLimits, recipe.DetectionSpec),
        (fovea.Card, recipe.Card),
        (fovea.Figure, recipe.Figure),
    ],
    ids=lambda kind: kind.__name__,
)
def test_each_class_has_the_members_that_the_gateway_sends(ours: type, theirs: type) -> None:
    sent = getattr(theirs, "model_fields", None) or {f.name for f in dataclasses.fields(theirs)}
    assert {field.name for field in dataclasses.fields(ours)} == set(sent)


def test_a_classification_is_read_and_frozen() -> None:
    told = answer(untrained=True)
    assert told.predictions == (fovea.Prediction(label="stop", class_id=4, score=1.0),)
    assert (told.image.width, told.image.frames, told.detections) == (640, 1, ())
    assert told.untrained
    assert told.timings_ms == {"infer": 6.25, "total": 8.0}
    with pytest.raises(dataclasses.FrozenInstanceError):
        told.model = "other"
    assert pickle.loads(pickle.dumps(told)) == told


def test_why_a_model_answered_is_read_where_it_is_told() -> None:
    assert answer().routing is None
    over = [{"model": "signs", "version": "2", "reason": "slow"}]
    told = answer(routing={"rule": "weight", "route": "road", "passed_over": over}).routing
    assert told == fovea.Routing(
        rule="weight",
        route="road",
        passed_over=(fovea.PassedOver(model="signs", version="2", reason="slow"),),
    )
    assert (told.why, told.cache) == (None, None)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools'
def test_a_mask_is_what_pycocotools_takes() -> None:
    pixels = np.zeros((6, 8), np.uint8, order="F")
    pixels[2:5, 1:7] = 1
    counts = coco.encode(pixels)["counts"].decode("ascii")
    box = {"x_min": 1, "y_min": 2, "x_max": 7, "y_max": 5}
    found = {"label": "stop", "class_id": 4, "score": 0.5, "box": box}
    found["mask"] = {"size": [6, 8], "counts": counts}
    (detection,) = answer(task="detection", predictions=None, detections=[found]).detections
    assert detection.mask is not None
    np.testing.assert_array_equal(coco.decode(dataclasses.asdict(detection.mask)), pixels)


def test_members_of_a_newer_gateway_are_passed_over() -> None:
    newer = answer(task="depth", surprise={"deep": [1]}, image={"width": 1, "height": 2, "dpi": 72})
    assert (newer.task, newer.image) == ("depth", fovea.ImageSize(width=1, height=2))


@pytest.mark.parametrize(
    ("members", "place"),
    [
        ({"model": None}, "answer.model is missing"),
        ({"version": 3}, "answer.version is of type int, not str"),
        ({"predictions": [{"label": "a"}]}, r"answer.predictions\[0\].class_id is missing"),
        ({"timings_ms": {"infer": "long"}}, "answer.timings_ms.infer is of type str"),
        ({"image": []}, "answer.image is of type list"),
        ({"untrained": 1}, "answer.untrained is of type int, not bool"),
    ],
)
def test_what_cannot_be_read_is_named(members: dict, place: str) -> None:
    with pytest.raises(fovea.UnexpectedAnswer, match=place):
        answer(**members)


def test_a_batch_has_an_answer_or_an_error_in_each_place() -> None:
    items = [
        {"index": 0, "file": "a.jpg", "status": 200, "answer": ANSWER},
        {"index": 1, "status": 422, "problem": PROBLEM},
    ]
    told = batch({"results": items, "request_id": "4f1c"})
    assert [len(told), told[0].file, told[1].file] == [2, "a.jpg", None]
    good, bad = told
    assert good.result() == answer()
    assert good.error is None
    assert isinstance(bad.error, fovea.BadImage)
    with pytest.raises(fovea.BadImage, match="no image"):
        bad.result()
    assert told[:1] == (good,)


def test_a_place_without_either_is_no_answer() -> None:
    (empty,) = batch({"results": [{"index": 0, "status": 200}]})
    with pytest.raises(fovea.UnexpectedAnswer, match="image 0"):
        empty.result()
