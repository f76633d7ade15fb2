"""Published checkpoints of every source: how they load, and how they are refused."""

import pytest
import torch
from torch import Tensor

from tests.zoo.checkpoints.networks import (
    SEED,
    published,
    published_on_cpu,
    seed_checkpoint,
    shapeful,
)
from tests.zoo.fill import images
from tests.zoo.test_mobilenet import LOGITS
from zoo.attention.simam import SimAM
from zoo.checkpoints import from_official
from zoo.checkpoints.naming import renamed
from zoo.checkpoints.official import restore
from zoo.checkpoints.sources import SOURCES
from zoo.checkpoints.state import CheckpointError
from zoo.classifiers import create
from zoo.registry import UnknownNameError


@pytest.mark.parametrize("source", list(SOURCES))
def test_every_source_loads_whole(source: str) -> None:
    state = published(source)
    with torch.device("meta"):
        report = restore(source, state).report
    assert set(report.loaded) == set(state)
    assert report.fresh == report.left_over == ()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
def test_the_weights_keep_their_precision_and_are_copied(dtype: torch.dtype) -> None:
    state = {k: v.to(dtype) if v.is_floating_point() else v for k, v in seed_checkpoint().items()}
    network = from_official(SEED, state)
    assert not network.training
    for key, value in network.state_dict().items():
        assert torch.equal(value, state[key])
        assert value.dtype == state[key].dtype
        assert value.data_ptr() != state[key].data_ptr()


@torch.inference_mode()
def test_the_copied_expectation_is_met() -> None:
    network = from_official(SEED, seed_checkpoint()).double()
    expected = torch.tensor(LOGITS, dtype=torch.float64)
    got = network(images((2, 3, 64, 64), seed=477430).double())
    assert (got - expected).abs().max() <= 1e-8 * expected.abs().max()


def test_wrapping_and_missing_counters_change_nothing() -> None:
    state = seed_checkpoint()
    kept = {f"module.{k}": v for k, v in state.items() if not k.endswith("num_batches_tracked")}
    network = from_official(SEED, {"epoch": 3, "arch": "se", "state_dict": kept})
    for key, value in network.state_dict().items():
        assert torch.equal(value, state[key]), key


def test_classes_and_hyper_parameters_come_from_the_checkpoint() -> None:
    wide = create("rn18_se", num_classes=11, image_size=224, attention={"reduction": 8})
    rules = SOURCES["se_resnet18"].rules
    restored = restore(
        "se_resnet18", {renamed(key, rules): value for key, value in wide.state_dict().items()}
    )
    assert restored.num_classes == 11
    assert restored.options == {"attention": {"reduction": 8}}
    assert restored.report.fresh == ()


def test_simam_is_the_one_of_the_published_networks() -> None:
    network = from_official("simam_resnet18", published_on_cpu("simam_resnet18"))
    assert {m.lambda_ for m in network.modules() if isinstance(m, SimAM)} == {0.1}


def test_all_that_does_not_fit_is_named_at_once() -> None:
    state = seed_checkpoint()
    del state["features.1.conv.0.0.weight"], state["classifier.0.bias"]
    state["features.2.extra"] = torch.zeros(1)
    state["features.0.1.weight"] = torch.zeros(7)
    with pytest.raises(CheckpointError) as caught:
        from_official(SEED, state)
    message = str(caught.value)
    assert "missing: features.1.conv.0.0.weight, classifier.0.bias;" in message
    assert "unexpected: features.2.extra;" in message
    assert "of another shape: features.0.1.weight (7,) instead of (32,)" in message


@pytest.mark.parametrize(
    ("source", "entry"),
    [
        ("simam_resnet18", "layer1.0.conv2.0.weight"),
        ("simamrepo_se_resnet50", "layer3.2.bn3.1.fc.0.weight"),
        ("eca_mobilenet_v2", "features.17.conv.4.conv.weight"),
        ("cbam_resnet18", "fc.weight"),
        ("bam_resnet18", "bam2.spatial_att.gate_s.gate_s_conv_di_1.bias"),
        ("mbv2_ca", "features.5.conv.6.conv3.weight"),
    ],
)
def test_missing_entries_are_named_as_the_checkpoint_names_them(source: str, entry: str) -> None:
    state = published(source)
    del state[entry]
    with torch.device("meta"), pytest.raises(CheckpointError, match=entry):
        from_official(source, state)


def test_many_missing_entries_are_counted() -> None:
    with pytest.raises(CheckpointError, match=r"missing: features\.0\.0\.weight, .* and 205 more"):
        from_official(SEED, {})


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"epoch": 3, "model": {}}, "no tensors: epoch, model"),
        ({"state_dict": [1]}, "state_dict is a list"),
        (shapeful({"module.a": (1,), "a": (1,)}), "with and without `module.`"),
    ],
)
def test_a_document_that_is_no_state_is_refused(document: dict[str, Tensor], message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        from_official(SEED, document)


def test_an_unknown_source_hears_of_the_nearest_one() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'simam_resnet50'"):
        from_official("simam_resnet5O", {})


def test_a_source_with_attention_takes_no_other() -> None:
    with pytest.raises(CheckpointError, match="simam_resnet18 has attention 'simam'"):
        from_official("simam_resnet18", {}, attention="se")
