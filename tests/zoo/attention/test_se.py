"""SE against its formula in loops and the published parameter counts."""

import pytest

from tests.zoo.attention import naive1
from zoo.attention.se import SE


@pytest.mark.parametrize("options", [{}, {"reduction": 4}, {"reduction": 4, "bias": True}])
def test_it_equals_the_formula(options) -> None:
    naive1.assert_equals(SE(16, **options), naive1.se, (2, 16, 3, 5))


@pytest.mark.parametrize(("channels", "reduction"), [(64, 16), (96, 8), (24, 16)])
def test_parameters(channels: int, reduction: int) -> None:
    hidden = channels // reduction
    bare = SE(channels, reduction=reduction)
    biased = SE(channels, reduction=reduction, bias=True)
    assert sum(p.numel() for p in bare.parameters()) == 2 * channels * hidden
    assert sum(p.numel() for p in biased.parameters()) == 2 * channels * hidden + hidden + channels


@pytest.mark.parametrize("reduction", [0, -1, 17])
def test_a_reduction_that_leaves_nothing_is_refused(reduction: int) -> None:
    with pytest.raises(ValueError, match=r"reduction is .* between 1 and 16"):
        SE(16, reduction=reduction)
