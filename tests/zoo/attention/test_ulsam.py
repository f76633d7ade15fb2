"""ULSAM against its formula, and the arguments it takes."""

import pytest
import torch

from tests.zoo.attention import naive2
from tests.zoo.fill import filled, images
from zoo.attention.ulsam import ULSAM


@pytest.mark.parametrize("shape", [(2, 8, 3, 5), (1, 4, 4, 1), (1, 8, 1, 1)])
@pytest.mark.parametrize("splits", [1, 2, 4])
def test_it_equals_the_formula(shape: tuple[int, ...], splits: int) -> None:
    layer = filled(ULSAM(shape[1], num_splits=splits), salt=1, gain=1.0).double()
    x = images(shape, seed=2).double()
    naive = torch.stack([naive2.ulsam(image, layer.state_dict(), splits) for image in x])
    torch.testing.assert_close(layer(x), naive, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("splits", [1, 4, 16])
def test_it_has_five_parameters_a_channel_and_three_a_subspace(splits: int) -> None:
    layer = ULSAM(64, num_splits=splits)
    assert sum(p.numel() for p in layer.parameters()) == 5 * 64 + 3 * splits


def test_subspaces_do_not_see_each_other() -> None:
    layer = filled(ULSAM(8, num_splits=2), salt=1, gain=1.0)
    x = images((1, 8, 3, 5), seed=2)
    other = x.clone()
    other[:, 4:] += 1
    assert torch.equal(layer(other)[:, :4], layer(x)[:, :4])
    assert not torch.equal(layer(other)[:, 4:], layer(x)[:, 4:])


@pytest.mark.parametrize("splits", [0, -2, 3])
def test_splits_that_do_not_divide_the_channels_are_refused(splits: int) -> None:
    with pytest.raises(ValueError, match=f"num_splits is {splits}; it must be a positive divisor"):
        ULSAM(8, num_splits=splits)
