"""Plain ResNet and MobileNetV2 weights, with any attention put into the network."""

import pytest
import torch
from torch import Tensor, nn

from tests.zoo.checkpoints.networks import published, shapeful
from tests.zoo.fill import filled_state, images
from zoo.attention import MECHANISMS
from zoo.attention.sge import SGE
from zoo.checkpoints import from_official
from zoo.checkpoints.official import restore
from zoo.checkpoints.state import CheckpointError

MOBILENET = "torchvision_mobilenet_v2"


def plain_checkpoint(source: str) -> dict[str, Tensor]:
    entries = {key: tuple(value.shape) for key, value in published(source).items()}
    return filled_state(entries, salt=7, gain=1.4)


@pytest.mark.parametrize("attention", list(MECHANISMS))
@pytest.mark.parametrize("source", ["torchvision_resnet18", "torchvision_resnet50", MOBILENET])
def test_every_entry_is_loaded_or_belongs_to_a_replaced_block(source: str, attention: str) -> None:
    state = published(source)
    with torch.device("meta"):
        report = restore(source, state, attention=attention).report
    assert set(report.loaded) | set(report.left_over) == set(state)
    replaced = {".".join(name.split(".")[:2]) for name in report.left_over}
    late = {"features.13", "features.16"}
    assert replaced == (late if (source, attention) == (MOBILENET, "ulsam") else set())
    has_state = attention not in ("none", "simam")
    assert bool(report.fresh) == has_state


@pytest.mark.parametrize("source", ["torchvision_resnet18", MOBILENET])
@torch.inference_mode()
def test_the_plain_network_is_still_there(source: str) -> None:
    state = plain_checkpoint(source)
    x = images((2, 3, 64, 96), seed=3)
    plain = from_official(source, state)(x)
    attended = from_official(source, state, attention="sge")
    for name, module in list(attended.named_modules()):
        if isinstance(module, SGE):
            attended.set_submodule(name, nn.Identity())
    assert torch.equal(attended(x), plain)


def test_new_attention_starts_as_published() -> None:
    network = from_official(MOBILENET, plain_checkpoint(MOBILENET), attention="sge")
    layers = [module for module in network.modules() if isinstance(module, SGE)]
    assert len(layers) == 17
    for layer in layers:
        assert (layer.weight == 0).all()
        assert (layer.bias == 1).all()


def test_the_report_counts_and_names() -> None:
    with torch.device("meta"):
        report = restore(MOBILENET, published(MOBILENET), attention="eca").report
    text = str(report)
    assert text.startswith(
        "314 entries loaded, 17 newly initialised (features.1.conv.3.conv.weight"
    )
    assert text.endswith("0 left over")


def test_alien_entries_are_refused() -> None:
    state = published("torchvision_resnet18") | shapeful({"layer1.0.se.fc.0.weight": (4, 64)})
    with (
        torch.device("meta"),
        pytest.raises(CheckpointError, match=r"layer1\.0\.se\.fc\.0\.weight"),
    ):
        from_official("torchvision_resnet18", state, attention="se")
