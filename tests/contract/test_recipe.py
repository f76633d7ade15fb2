"""A recipe survives the trip through JSON, and a wrong one is refused by name."""

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.codec import decode, encode
from contract.recipe import (
    Card,
    DetectionSpec,
    Figure,
    Fit,
    InputSpec,
    Interpolation,
    Layout,
    Normalisation,
    OutputSpec,
    Recipe,
    RecipeError,
    Role,
    Task,
)

shares = st.floats(0, 1)
figures = st.builds(Figure, value=shares, low=shares, high=shares)
cards = st.builds(
    Card,
    architecture=st.text(),
    attention=st.text(),
    parameters=st.integers(0),
    data=st.text(),
    epochs=st.none() | st.integers(0),
    trained_on=st.none() | st.text(),
    weights_sha256=st.text(),
    metrics=st.dictionaries(st.text(), figures, max_size=3),
)
CARD = Card(
    architecture="MobileNetV2",
    attention="simam",
    parameters=1,
    data="drawn",
    epochs=None,
    trained_on=None,
    weights_sha256="0" * 64,
)
positive = st.floats(0.001, 1000)
triples = st.tuples(positive, positive, positive)
inputs = st.builds(
    InputSpec,
    name=st.text(min_size=1),
    height=st.integers(1, 4096),
    width=st.integers(1, 4096),
    fit=st.sampled_from([Fit.STRETCH, Fit.LETTERBOX]),
    interpolation=st.sampled_from(Interpolation),
    fill=st.tuples(*[st.integers(0, 255)] * 3),
    layout=st.sampled_from(Layout),
    normalisation=st.none() | st.builds(Normalisation, scale=positive, mean=triples, std=triples),
)
labels = st.lists(st.text(), min_size=1, unique=True).map(tuple)
classifiers = st.builds(
    Recipe,
    task=st.just(Task.CLASSIFICATION),
    input=inputs,
    outputs=st.sampled_from([Role.PROBABILITIES, Role.LOGITS]).map(
        lambda role: (OutputSpec(name="OUTPUT__0", role=role),)
    ),
    labels=labels,
    card=st.none() | cards,
)
untrained = st.builds(replace, classifiers, card=st.none(), untrained=st.booleans())
DETECTED = (Role.BOXES, Role.SCORES, Role.CLASSES, Role.COUNT, Role.MASKS)
detectors = st.builds(
    Recipe,
    task=st.just(Task.DETECTION),
    input=inputs,
    outputs=st.sampled_from([4, 5]).map(
        lambda count: tuple(OutputSpec(name=role.upper(), role=role) for role in DETECTED[:count])
    ),
    labels=labels,
    detection=st.builds(
        DetectionSpec,
        score_threshold=shares,
        nms_threshold=shares,
        max_detections=st.integers(1, 1000),
    ),
    card=st.none() | cards,
)


def document() -> dict:
    """A valid classifier's recipe as the JSON object that travels."""
    return {
        "task": "classification",
        "input": {"name": "INPUT__0", "height": 64, "width": 64, "fit": "stretch"},
        "outputs": [{"name": "OUTPUT__0", "role": "probabilities"}],
        "labels": ["cat", "dog"],
    }


def detector() -> dict:
    """A valid detector's."""
    return document() | {
        "task": "detection",
        "outputs": [{"name": role.upper(), "role": role} for role in DETECTED],
        "detection": {"score_threshold": 0.05, "nms_threshold": 0.5, "max_detections": 100},
    }


@given(classifiers | detectors | untrained)
def test_a_recipe_survives_the_round_trip(recipe: Recipe) -> None:
    assert decode(encode(recipe)) == recipe


def test_a_hand_written_recipe_needs_only_the_fields_without_default() -> None:
    recipe = decode(json.dumps(document()))
    assert recipe.card is None
    assert recipe.output(Role.PROBABILITIES) == "OUTPUT__0"
    with pytest.raises(KeyError):
        recipe.output(Role.BOXES)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("schema",), 2, "schema is 2"),
        (("task",), "telepathy", "task is 'telepathy'; it must be one of classification"),
        (("labels",), [], "labels is empty"),
        (("labels",), ["cat", "cat"], "labels repeats a name"),
        (("labels",), "cat", "labels is 'cat'; it must be of type array"),
        (("labels", 1), 7, r"labels\[1\] is 7; it must be of type string"),
        (("input", "height"), "64", "input.height is '64'; it must be of type integer"),
        (("input", "height"), True, "input.height is True; it must be of type integer"),
        (("input", "height"), 0, "input.height is 0"),
        (("input", "fit"), "crop", "input.shorter_side belongs to fit 'crop'"),
        (("input", "shorter_side"), 64, "input.shorter_side belongs to fit 'crop'"),
        (("input", "fill"), [1, 2], "input.fill has 2 items; it must have 3"),
        (("input", "fill"), [1, 2, 256], "input.fill is"),
        (("input", "colur"), "rgb", "input.colur is unknown; known here: name, height"),
        (("outputs", 0, "role"), "boxes", "outputs lacks probabilities"),
        (("outputs", 0, "name"), None, r"outputs\[0\].name is None"),
        (("outputs", 0, "shape"), [3, 4, 4], "output.shape belongs to the role class_maps"),
        (("outputs", 0, "role"), "class_maps", "output.shape belongs to the role class_maps"),
        (("input", "layout"), "chw", "input.layout is 'chw'; it must be one of nhwc, nchw"),
        (("input", "normalisation"), {"std": [1, 0, 1]}, "input.normalisation.std is"),
        (("input", "normalisation"), {"scale": 0}, "input.normalisation.scale is 0.0; it must be"),
        (("input", "normalisation"), {"mean": [1, 2]}, "input.normalisation.mean has 2 items"),
        (("input", "normalisation"), {"mean": [1, 2, math.nan]}, "input.normalisation.mean is"),
        (("untrained",), 1, "untrained is 1; it must be of type boolean"),
        (("untrained",), None, "untrained is None; it must be of type boolean"),
        (("card",), {"epochs": 1}, "card.architecture is missing"),
    ],
)
def test_a_wrong_field_is_named(path: tuple, value: object, message: str) -> None:
    changed = document()
    target = changed
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    with pytest.raises(RecipeError, match=message):
        decode(json.dumps(changed))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("score_threshold", -0.1, "detection.score_threshold is -0.1; it must lie in 0..1"),
        ("score_threshold", math.nan, "detection.score_threshold is nan"),
        ("nms_threshold", 1.5, "detection.nms_threshold is 1.5; it must lie in 0..1"),
        ("nms_threshold", "0.5", "detection.nms_threshold is '0.5'; it must be of type number"),
        ("max_detections", 0, "detection.max_detections is 0; it must be at least 1"),
        ("max_detections", 1.5, "detection.max_detections is 1.5; it must be of type integer"),
        ("soft", 1, "detection.soft is unknown; known here: score_threshold"),
    ],
)
def test_a_wrong_limit_of_a_detector_is_named(field: str, value: object, message: str) -> None:
    changed = detector()
    changed["detection"][field] = value
    with pytest.raises(RecipeError, match=message):
        decode(json.dumps(changed))


def test_only_detectors_have_limits_and_all_of_them() -> None:
    limits = detector()["detection"]
    for wrong in (document() | {"detection": limits}, detector() | {"detection": None}):
        with pytest.raises(RecipeError, match="detection belongs to the task 'detection'"):
            decode(json.dumps(wrong))


def test_what_a_model_does_not_have_is_not_written() -> None:
    written = json.loads(encode(decode(json.dumps(document()))))
    assert not {"detection", "card", "untrained"} & written.keys()


def test_readers_that_know_no_other_layout_can_read_what_is_as_it_always_was() -> None:
    written = json.loads(encode(decode(json.dumps(document()))))
    assert not {"layout", "normalisation"} & written["input"].keys()


def test_the_shape_follows_the_layout() -> None:
    spec = decode(json.dumps(document())).input
    assert spec.shape == (64, 64, 3)
    assert replace(spec, height=32, layout=Layout.NCHW).shape == (3, 32, 64)


def test_logits_may_stand_in_for_probabilities_but_not_beside_them() -> None:
    changed = document()
    changed["outputs"][0]["role"] = "logits"
    assert decode(json.dumps(changed)).output(Role.LOGITS) == "OUTPUT__0"
    changed["outputs"].append({"name": "OUTPUT__1", "role": "probabilities"})
    with pytest.raises(RecipeError, match="outputs has probabilities and logits"):
        decode(json.dumps(changed))


def test_an_untrained_model_is_marked_and_has_no_card() -> None:
    marked = replace(decode(json.dumps(document())), untrained=True)
    assert json.loads(encode(marked))["untrained"] is True
    with pytest.raises(RecipeError, match="untrained is true; weights that have a card"):
        replace(marked, card=CARD)


@pytest.mark.parametrize("shape", [(3, 4), (0, 4, 4), (3, 4, -1)])
def test_class_maps_need_their_number_and_size(shape: tuple[int, ...]) -> None:
    with pytest.raises(RecipeError, match="must be maps, height, width"):
        OutputSpec(name="x", role=Role.CLASS_MAPS, shape=shape)


def test_an_output_is_found_by_its_role() -> None:
    maps = {"name": "OUTPUT__1", "role": "class_maps", "shape": [2, 4, 4]}
    extended = document()
    assert not decode(json.dumps(extended)).has(Role.CLASS_MAPS)
    extended["outputs"].append(maps)
    recipe = decode(json.dumps(extended))
    assert recipe.has(Role.CLASS_MAPS)
    assert recipe.spec(Role.CLASS_MAPS).shape == (2, 4, 4)


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '"recipe"', "{}"])
def test_what_is_no_recipe_is_refused(text: str) -> None:
    with pytest.raises(RecipeError):
        decode(text)


def test_a_crop_must_fit_into_the_resized_image() -> None:
    with pytest.raises(RecipeError, match="must cover"):
        InputSpec(name="x", height=224, width=224, fit=Fit.CROP, shorter_side=200)
