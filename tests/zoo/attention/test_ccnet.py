"""Criss-cross attention against its formula, and the arguments it takes."""

import pytest
import torch

from tests.zoo.attention import naive2
from tests.zoo.fill import filled, images
from zoo.attention.ccnet import CrissCrossAttention, criss_cross_weights


@pytest.mark.parametrize("shape", [(2, 16, 3, 5), (1, 9, 4, 1), (1, 9, 1, 4), (1, 8, 1, 1)])
@pytest.mark.parametrize("recurrence", [1, 2, 3])
def test_it_equals_the_formula(shape: tuple[int, ...], recurrence: int) -> None:
    layer = CrissCrossAttention(shape[1], recurrence=recurrence)
    layer = filled(layer, salt=1, gain=1.0).double()
    x = naive = images(shape, seed=2).double()
    for _ in range(recurrence):
        naive = torch.stack([naive2.criss_cross(image, layer.state_dict()) for image in naive])
    torch.testing.assert_close(layer(x), naive, rtol=1e-10, atol=1e-10)


def test_a_new_layer_is_the_identity() -> None:
    x = images((2, 16, 3, 5), seed=2)
    assert torch.equal(CrissCrossAttention(16)(x), x)


@pytest.mark.parametrize(("recurrence", "hears"), [(1, False), (2, True)])
def test_two_applications_reach_every_position(recurrence: int, hears: bool) -> None:
    layer = filled(CrissCrossAttention(16, recurrence=recurrence), salt=1, gain=1.0)
    x = images((1, 16, 3, 5), seed=2)
    other = x.clone()
    other[..., 0, 0] += 1  # neither in the row nor in the column of the last position
    assert torch.equal(layer(other)[..., 2, 4], layer(x)[..., 2, 4]) is not hears


def test_the_weights_of_a_position_sum_to_one_and_count_its_own_cell_once() -> None:
    query, key = images((2, 2, 4, 3, 5), seed=2)
    down, across = criss_cross_weights(query, key)
    total = down.sum(dim=3).mT + across.sum(dim=3)  # (B, H, W)
    torch.testing.assert_close(total, torch.ones(2, 3, 5))
    assert (down.diagonal(dim1=2, dim2=3) == 0).all()
    assert (across.diagonal(dim1=2, dim2=3) > 0).all()


def test_hyper_parameters_without_meaning_are_refused() -> None:
    with pytest.raises(ValueError, match=r"channels is 7; .* need 8 or more"):
        CrissCrossAttention(7)
    with pytest.raises(ValueError, match="recurrence is 0; it must be 1 or more"):
        CrissCrossAttention(8, recurrence=0)
