"""config.pbtxt says what Triton needs, and carries the recipe unharmed."""

from dataclasses import replace
from pathlib import Path

import pytest
from google.protobuf import text_format
from hypothesis import given
from hypothesis import strategies as st
from tritonclient.grpc import model_config_pb2 as pb

from contract.codec import decode
from contract.recipe import (
    PARAMETER,
    Card,
    Figure,
    Fit,
    InputSpec,
    OutputSpec,
    Recipe,
    Role,
    Task,
)
from zoo import weights
from zoo.export.config import config_text
from zoo.export.servable import trained_recipe

REPOSITORY = Path(__file__).parents[3] / "model_repository"
PUBLISHED = sorted(path.stem for path in weights.FOLDER.glob("*.json"))

CARD = Card(
    architecture="MobileNetV2",
    attention="simam",
    parameters=1_578_630,
    data="drawn crops, seed 0",
    epochs=16,
    trained_on="2026-01-31",
    weights_sha256="0" * 64,
    metrics={"accuracy": Figure(value=0.97, low=0.96, high=0.98)},
)
RECIPE = Recipe(
    task=Task.CLASSIFICATION,
    input=InputSpec(name="INPUT__0", height=48, width=64, fit=Fit.STRETCH),
    outputs=(OutputSpec(name="OUTPUT__0", role=Role.PROBABILITIES),),
    labels=("stop", "go", "neither"),
    card=CARD,
)


def parsed(recipe: Recipe) -> pb.ModelConfig:
    return text_format.Parse(config_text("model_a", recipe), pb.ModelConfig())


def test_inputs_and_outputs_are_those_of_the_recipe() -> None:
    config = parsed(RECIPE)
    assert (config.name, config.backend, config.max_batch_size) == ("model_a", "pytorch", 8)
    (image,), (scores,) = config.input, config.output
    assert (image.name, image.data_type, image.dims) == ("INPUT__0", pb.TYPE_UINT8, [48, 64, 3])
    assert (scores.name, scores.data_type, scores.dims) == ("OUTPUT__0", pb.TYPE_FP32, [3])


def test_requests_are_batched_and_nobody_waits_for_a_batch() -> None:
    config = parsed(RECIPE)
    assert config.HasField("dynamic_batching")
    assert config.dynamic_batching.max_queue_delay_microseconds == 0
    assert not config.dynamic_batching.HasField("default_queue_policy")  # it stalls requests


def test_instances_go_where_the_hardware_is() -> None:
    (group,) = parsed(RECIPE).instance_group
    assert (group.kind, group.count) == (pb.ModelInstanceGroup.KIND_AUTO, 1)


def test_the_smallest_and_the_largest_batch_are_warmed() -> None:
    config = parsed(RECIPE)
    assert [warmup.batch_size for warmup in config.model_warmup] == [1, config.max_batch_size]
    for warmup in config.model_warmup:
        image = warmup.inputs["INPUT__0"]
        assert warmup.count >= 3
        assert (image.data_type, image.dims, image.random_data) == (
            pb.TYPE_UINT8,
            [48, 64, 3],
            True,
        )


def test_no_parameter_reaches_beyond_its_own_model() -> None:
    values = {key: entry.string_value for key, entry in parsed(RECIPE).parameters.items()}
    recipe = values.pop(PARAMETER)
    assert values == {"INFERENCE_MODE": "true", "DISABLE_OPTIMIZED_EXECUTION": "true"}
    assert decode(recipe) == RECIPE


def test_the_file_can_be_read_in_review() -> None:
    assert max(map(len, config_text("model_a", RECIPE).splitlines())) <= 100


@given(
    labels=st.lists(st.text(min_size=1), min_size=2, max_size=40, unique=True),
    data=st.text(),
    with_card=st.booleans(),
)
def test_any_words_survive_the_way_through_the_config(
    labels: list[str], data: str, with_card: bool
) -> None:
    card = replace(CARD, data=data) if with_card else None
    recipe = replace(RECIPE, labels=tuple(labels), card=card)
    assert decode(parsed(recipe).parameters[PARAMETER].string_value) == recipe


def test_every_published_model_has_its_config_committed() -> None:
    assert sorted(path.parent.name for path in REPOSITORY.glob("*/config.pbtxt")) == PUBLISHED


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_committed_config_is_what_the_zoo_writes(name: str) -> None:
    committed = (REPOSITORY / name / "config.pbtxt").read_text(encoding="utf-8")
    recipe = trained_recipe(weights.read_card(name))
    assert committed == config_text(name, recipe), f"run `python -m zoo export {name}`"
