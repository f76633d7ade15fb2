"""Shuffle attention against its formula in loops."""

import pytest
import torch

from tests.zoo.attention import naive1
from tests.zoo.fill import filled, images
from zoo.attention.sa import ShuffleAttention


@pytest.mark.parametrize(("channels", "groups"), [(2, 1), (12, 1), (12, 2), (12, 3), (12, 6)])
def test_it_equals_the_formula(channels: int, groups: int) -> None:
    module = ShuffleAttention(channels, groups=groups)
    naive1.assert_equals(module, naive1.shuffle_attention, (2, channels, 3, 5), groups=groups)


@pytest.mark.parametrize(("channels", "groups"), [(256, 64), (64, 8), (2048, 64)])
def test_parameters(channels: int, groups: int) -> None:
    module = ShuffleAttention(channels, groups=groups)
    assert sum(p.numel() for p in module.parameters()) == 3 * channels // groups


def test_before_training_every_gate_is_the_sigmoid_of_one() -> None:
    x = images((2, 4, 3, 5), seed=1)
    shuffled = x[:, [0, 2, 1, 3]]
    gate = 1 / (1 + torch.exp(torch.tensor(-1.0)))  # 0.731
    torch.testing.assert_close(ShuffleAttention(4, groups=1)(x), gate * shuffled)


@pytest.mark.parametrize("groups", [1, 2])
def test_a_map_of_one_pixel_is_defined(groups: int) -> None:
    """Its norm is the norm's shift, whatever the pixel: only the sign of the answer follows it."""
    module = filled(ShuffleAttention(4, groups=groups), salt=1, gain=1.0)
    x = images((1, 4, 1, 1), seed=2)
    gate = (module.sweight * module.gn.bias.view_as(module.sweight) + module.sbias).sigmoid()
    half = 2 // groups  # the last channel closes a group's second half, and stays last
    torch.testing.assert_close(module(x)[0, -1], x[0, -1] * gate[0, half - 1])


@pytest.mark.parametrize(("channels", "groups"), [(64, 64), (24, 64), (12, 5), (12, 0), (0, 1)])
def test_channels_that_do_not_divide_are_refused(channels: int, groups: int) -> None:
    with pytest.raises(ValueError, match=rf"groups is {groups}; {channels} channels must be"):
        ShuffleAttention(channels, groups=groups)
