"""Coordinate attention against its formula, and the arguments it takes."""

import pytest
import torch

from tests.zoo.attention import naive2
from tests.zoo.fill import filled, images
from zoo.attention.coordinate import CoordinateAttention


@pytest.mark.parametrize("shape", [(2, 16, 3, 5), (1, 6, 4, 1), (1, 8, 1, 1)])
@pytest.mark.parametrize("reduction", [1, 4])
def test_it_equals_the_formula(shape: tuple[int, ...], reduction: int) -> None:
    layer = filled(CoordinateAttention(shape[1], reduction=reduction), salt=1, gain=1.0).double()
    x = images(shape, seed=2).double()
    naive = torch.stack([naive2.coordinate(image, layer.state_dict()) for image in x])
    torch.testing.assert_close(layer(x), naive, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("channels", "reduction", "width"), [(64, 32, 8), (64, 4, 16), (6, 2, 8)])
def test_the_squeeze_has_at_least_eight_channels(channels, reduction, width) -> None:
    layer = CoordinateAttention(channels, reduction=reduction)
    assert layer.squeeze.out_channels == width
    parameters = sum(p.numel() for p in layer.parameters())
    assert parameters == 3 * channels * width + 3 * width + 2 * channels


def test_rows_and_columns_are_not_interchangeable() -> None:
    layer = filled(CoordinateAttention(16), salt=1, gain=1.0)
    x = images((1, 16, 4, 4), seed=2)
    assert not torch.allclose(layer(x.mT).mT, layer(x), atol=1e-3)


def test_a_reduction_without_meaning_is_refused() -> None:
    with pytest.raises(ValueError, match="reduction is 0; it must be 1 or more"):
        CoordinateAttention(16, reduction=0)
