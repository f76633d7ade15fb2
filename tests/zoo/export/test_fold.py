"""Folding changes the number of passes over memory, not the answer."""

import copy

import pytest
import torch
from torch import Tensor, nn

from tests.zoo.fill import images
from zoo.attention.simam import SimAM
from zoo.export.fold import fold
from zoo.export.layers import NormedSimAM, Pointwise


def settled(*layers: nn.Module) -> nn.Sequential:
    """The layers with norms that do something: statistics, scales and shifts of all sizes."""
    generator = torch.Generator().manual_seed(0)
    network = nn.Sequential(*layers).double().eval()
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.running_mean.normal_(generator=generator)
            norm.running_var.uniform_(0.1, 4, generator=generator)
            norm.weight.data.normal_(generator=generator)
            norm.bias.data.normal_(generator=generator)
    return network


def kinds(network: nn.Module) -> set[type[nn.Module]]:
    return {type(module) for module in network.modules()}


def x(*shape: int) -> Tensor:
    return images(shape, seed=1).double().to(memory_format=torch.channels_last)


def same(network: nn.Module, *shape: int) -> nn.Module:
    """``network`` folded, after its answer was compared."""
    wanted = network(x(*shape))
    folded = fold(copy.deepcopy(network))
    with torch.inference_mode():
        torch.testing.assert_close(folded(x(*shape)), wanted, rtol=1e-9, atol=1e-9)
    return folded


@pytest.mark.parametrize("bias", [True, False])
def test_a_norm_after_a_convolution_goes_into_it(bias: bool) -> None:
    network = settled(nn.Conv2d(3, 5, 3, padding=1, bias=bias), nn.BatchNorm2d(5), nn.ReLU6())
    assert nn.BatchNorm2d not in kinds(same(network, 2, 3, 6, 7))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("size", [(6, 7), (1, 1), (1, 5)])
def test_a_norm_after_simam_goes_into_it_and_the_convolution(
    size: tuple[int, int], bias: bool
) -> None:
    conv = nn.Conv2d(3, 5, 3, padding=1, bias=bias)
    folded = same(settled(conv, SimAM(5, 1e-4), nn.BatchNorm2d(5)), 2, 3, *size)
    assert NormedSimAM in kinds(folded)
    assert not {nn.BatchNorm2d, SimAM} & kinds(folded)


def test_a_channel_that_its_norm_switches_off_stays_finite() -> None:
    network = settled(nn.Conv2d(3, 5, 1, bias=False), SimAM(5), nn.BatchNorm2d(5))
    network[2].weight.data[:3] = torch.tensor([0.0, 1e-30, -1e-12])
    same(network, 2, 3, 4, 4)
    wanted = network.float()(x(2, 3, 4, 4).float())
    with torch.inference_mode():
        got = fold(copy.deepcopy(network))(x(2, 3, 4, 4).float())
    torch.testing.assert_close(got, wanted, rtol=1e-5, atol=1e-6)


def test_a_norm_that_shares_its_input_stays() -> None:
    class Forked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm = nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3)

        def forward(self, x: Tensor) -> Tensor:
            y = self.conv(x)
            return y + self.norm(y)

    assert nn.BatchNorm2d in kinds(same(settled(Forked()), 2, 3, 4, 4))


def test_a_norm_without_a_convolution_before_it_stays() -> None:
    network = settled(nn.Conv2d(3, 3, 3, padding=1), nn.ReLU6(), nn.BatchNorm2d(3))
    assert nn.BatchNorm2d in kinds(same(network, 2, 3, 4, 4))
    alone = settled(nn.Conv2d(3, 3, 3, padding=1), nn.ReLU6(), SimAM(3), nn.BatchNorm2d(3))
    assert nn.BatchNorm2d in kinds(same(alone, 2, 3, 4, 4))


@pytest.mark.parametrize("shape", [(1, 4, 5, 7), (1, 4, 16, 3), (8, 4, 2, 3), (20, 4, 1, 1)])
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
@torch.inference_mode()
def test_rows_as_a_batch_give_the_answer_of_the_image(
    shape: tuple[int, ...], layout: torch.memory_format
) -> None:
    conv = nn.Conv2d(4, 6, 1).double()
    image = x(*shape).to(memory_format=layout)
    torch.testing.assert_close(Pointwise(conv)(image), conv(image), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "conv",
    [nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 1, stride=2), nn.Conv2d(4, 4, 1, groups=2)],
)
def test_other_convolutions_are_left_alone(conv: nn.Conv2d) -> None:
    assert Pointwise not in kinds(same(settled(conv), 2, 4, 6, 6))
