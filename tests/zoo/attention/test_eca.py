"""ECA against its formula in loops and the paper's kernel sizes."""

import pytest

from tests.zoo.attention import naive1
from zoo.attention.eca import ECA, adaptive_kernel_size


@pytest.mark.parametrize("kernel_size", [1, 3, 5, 9])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("shared", [False, True])
def test_it_equals_the_formula(kernel_size: int, bias: bool, shared: bool) -> None:
    module = ECA(6, kernel_size=kernel_size, bias=bias, shared=shared)
    naive1.assert_equals(module, naive1.eca, (2, 6, 3, 5), shared=shared)


@pytest.mark.parametrize(
    ("channels", "expected"),
    [(1, 1), (16, 3), (64, 3), (128, 5), (256, 5), (512, 5), (1024, 5), (2048, 7)],
)
def test_the_papers_rule_is_the_default(channels: int, expected: int) -> None:
    assert adaptive_kernel_size(channels) == expected
    assert ECA(channels).conv.weight.shape == (1, 1, expected)


@pytest.mark.parametrize(
    ("options", "expected"), [({}, 3), ({"bias": True}, 4), ({"shared": False}, 3 * 32)]
)
def test_parameters(options, expected: int) -> None:
    module = ECA(32, kernel_size=3, **options)
    assert sum(p.numel() for p in module.parameters()) == expected


@pytest.mark.parametrize("kernel_size", [0, 2, -3])
def test_a_kernel_without_a_middle_is_refused(kernel_size: int) -> None:
    with pytest.raises(ValueError, match=f"kernel_size is {kernel_size}; it must be odd"):
        ECA(16, kernel_size=kernel_size)
