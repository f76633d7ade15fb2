"""MobileNetV2 with SimAM is the published network: keys, sizes and logits."""

import io
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import zoo
from tests.zoo.fill import filled, images
from zoo.attention.simam import SimAM

GOLDEN = Path(__file__).parents[3] / "shared/golden/networks"
REFERENCES = {
    "mbv2_simam": "seed_simam_mobilenetv2_c320",
    "mbv2_none": "seed_mobilenetv2_c320_noatt",
}
KEYS_SHA256 = {  # of the reference's [[key, shape], …] as JSON
    "mbv2_simam": "604b11f92baf60a3b1bd00fc1da192593e3813194c334a49a06c46f48e341b4f",
    "mbv2_none": "82693693c4cc2508c25f098c91f02778c6b1801a5a91cb9e59c4e5a4c44527e6",
}

# Logits of the reference in float64 for `fill` with salt 101 and gain 1.4, input seed 477430.
LOGITS = [
    [
        4.781526877466503,
        0.35930533902900796,
        0.48172743556513686,
        -1.6189855103827675,
        -0.857503461756725,
        -2.1194523957305904,
    ],
    [
        5.402046967568261,
        0.34171456595790417,
        0.8733995048323614,
        -2.190308069753515,
        -1.1941362493477958,
        -1.5665702598876752,
    ],
]
REFERENCE_ROUNDING = 5.325979614667631e-06  # of the reference itself, float32 against float64


def golden(file: str) -> dict[str, Any]:
    path = GOLDEN / file
    if not path.exists():
        pytest.skip(f"{path} is absent: the reference data is not part of the project")
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def state_keys(name: str) -> list[list[Any]]:
    """Every entry of the state, in order, as [key, shape]."""
    state = zoo.create(name, num_classes=6, image_size=64).state_dict()
    return [[key, list(value.shape)] for key, value in state.items()]


def simam_network() -> nn.Module:
    return zoo.create("mbv2_simam", num_classes=6, image_size=64)


def reference_case() -> tuple[nn.Module, Tensor, Tensor]:
    network = filled(simam_network(), salt=101, gain=1.4)
    return network, images((2, 3, 64, 64), seed=477430), torch.tensor(LOGITS, dtype=torch.float64)


@torch.inference_mode()
def test_float64_logits_are_the_reference_ones() -> None:
    network, x, expected = reference_case()
    got = network.double()(x.double())
    assert (got - expected).abs().max() <= 1e-8 * expected.abs().max()


@torch.inference_mode()
def test_float32_logits_are_within_the_reference_rounding() -> None:
    network, x, expected = reference_case()
    tolerance = 20 * REFERENCE_ROUNDING + 1e-5 * expected.abs().max()
    assert (network(x) - expected).abs().max() <= tolerance


def test_the_expectation_copied_here_is_the_golden_one() -> None:
    expectation = golden("seed_simam_mobilenetv2_c320.expect.json")
    assert expectation["output"]["first10"] == LOGITS
    assert (expectation["S"], expectation["gain"]) == (101, 1.4)
    assert expectation["float32_reference"]["max_abs_diff_to_float64"] == REFERENCE_ROUNDING


@pytest.mark.parametrize("name", REFERENCES)
def test_state_keys_and_shapes_are_the_reference_ones_in_order(name: str) -> None:
    assert sha256(json.dumps(state_keys(name)).encode()).hexdigest() == KEYS_SHA256[name]


@pytest.mark.parametrize("name", REFERENCES)
def test_state_keys_are_the_golden_ones_by_name(name: str) -> None:
    assert state_keys(name) == golden(f"{REFERENCES[name]}.keys.json")["keys"]


def test_simam_sits_between_each_depthwise_convolution_and_its_norm() -> None:
    network = simam_network()
    homes = [m for m in network.modules() if any(isinstance(c, SimAM) for c in m.children())]
    assert len(homes) == 14
    for home in homes:
        conv, attention, norm, _ = home.children()
        assert isinstance(conv, nn.Conv2d)
        assert conv.groups == conv.in_channels
        assert isinstance(attention, SimAM)
        assert attention.lambda_ == 0.1
        assert isinstance(norm, nn.BatchNorm2d)


def test_it_has_the_published_number_of_parameters() -> None:
    assert sum(p.numel() for p in simam_network().parameters()) == 1_578_630


def test_the_state_file_has_the_published_size() -> None:
    """6.21 MiB is `torch.save` of the state_dict: 6.12 MiB of tensors and a note on each."""
    file = io.BytesIO()
    torch.save(simam_network().state_dict(), file)
    assert round(len(file.getvalue()) / 2**20, 2) == 6.21


def test_declared_feature_levels_are_what_the_network_computes() -> None:
    features = zoo.create("mbv2_simam", num_classes=6, image_size=64).features
    x = torch.zeros(1, 3, 96, 64)
    maps = []
    for child in features:
        x = child(x)
        maps.append(x)
    for level in features.levels:
        shape = (1, level.channels, 96 // level.stride, 64 // level.stride)
        assert maps[level.child].shape == shape
    assert [level.stride for level in features.levels] == [2, 4, 8, 16]
    assert features.channels == features.levels[-1].channels == 320


@torch.inference_mode()
def test_images_of_one_batch_do_not_influence_each_other() -> None:
    network = filled(simam_network(), salt=1, gain=1.4).double()
    x = images((3, 3, 48, 80), seed=2).double()
    torch.testing.assert_close(network(x)[1:2], network(x[1:2]), rtol=0, atol=1e-10)


def test_every_parameter_gets_a_gradient() -> None:
    network = filled(simam_network(), salt=3, gain=1.4).train()
    network(images((4, 3, 64, 64), seed=4)).square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().sum() > 0, name
