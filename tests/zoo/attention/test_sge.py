"""SGE against its formula in loops."""

import pytest
import torch

from tests.zoo.attention import naive1
from tests.zoo.fill import filled, images
from zoo.attention.sge import SGE


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
@pytest.mark.parametrize("size", [(3, 5), (1, 2)])
def test_it_equals_the_formula(groups: int, size: tuple[int, int]) -> None:
    module = SGE(6, groups=groups)
    naive1.assert_equals(module, naive1.sge, (2, 6, *size), groups=groups)


@pytest.mark.parametrize("groups", [8, 64])
def test_parameters(groups: int) -> None:
    assert sum(p.numel() for p in SGE(64, groups=groups).parameters()) == 2 * groups


@pytest.mark.parametrize(("options", "gate"), [({}, 0.7310586), ({"initial_bias": 0.0}, 0.5)])
def test_the_gate_before_training(options, gate: float) -> None:
    x = images((2, 64, 3, 5), seed=1)
    torch.testing.assert_close(SGE(64, **options)(x), gate * x)


def test_a_map_of_one_pixel_is_gated_by_the_bias() -> None:
    module = filled(SGE(4, groups=2), salt=1, gain=1.0)
    x = images((2, 4, 1, 1), seed=2)
    gate = module.bias.sigmoid().repeat_interleave(2, dim=1)
    torch.testing.assert_close(module(x), x * gate)


def test_gradients_are_those_of_the_formula() -> None:
    module = filled(SGE(4, groups=2), salt=1, gain=1.0).double()
    x = images((2, 4, 3, 2), seed=3).double().requires_grad_()
    assert torch.autograd.gradcheck(module, (x,))


def test_gradients_of_a_blank_map_are_finite() -> None:
    """Its deviation is 0, where a square root has no slope."""
    module = filled(SGE(4, groups=2), salt=1, gain=1.0)
    x = torch.zeros(1, 4, 3, 2, requires_grad=True)
    module(x).sum().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_half_precision_keeps_sums_that_overflow_it() -> None:
    """A group's products sum to about 1e6, and their squares further: float16 ends at 65504."""
    x = 100 + images((1, 64, 28, 28), seed=1)
    module = filled(SGE(64, groups=1), salt=1, gain=1.0)
    y = module.half()(x.half())
    assert y.dtype == torch.float16
    expected = module.float()(x.half().float())
    torch.testing.assert_close(y.float(), expected, rtol=1e-2, atol=0)


@pytest.mark.parametrize(("channels", "groups"), [(24, 64), (12, 5), (12, 0), (0, 1)])
def test_channels_that_do_not_divide_are_refused(channels: int, groups: int) -> None:
    with pytest.raises(ValueError, match=f"groups is {groups}; it must divide the {channels}"):
        SGE(channels, groups=groups)
