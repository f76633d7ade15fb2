"""CBAM against its formula in loops and the published parameter counts."""

import pytest
import torch

from tests.zoo.attention import naive1
from tests.zoo.fill import images
from zoo.attention.cbam import CBAM, pool


@pytest.mark.parametrize(
    "pools", [("avg", "max"), ("avg",), ("max",), ("lp",), ("lse",), ("avg", "max", "lp", "lse")]
)
def test_it_equals_the_formula(pools) -> None:
    module = CBAM(8, reduction=4, pools=pools)
    naive1.assert_equals(module, naive1.cbam, (2, 8, 3, 5), pools=pools)


def test_without_the_spatial_gate_it_equals_the_formula() -> None:
    module = CBAM(8, reduction=2, kernel_size=None)
    naive1.assert_equals(module, naive1.cbam, (2, 8, 3, 5), spatial=False)


@pytest.mark.parametrize("kernel_size", [1, 3, 7, 9])
def test_other_kernel_sizes_equal_the_formula(kernel_size: int) -> None:
    module = CBAM(8, reduction=4, kernel_size=kernel_size)
    naive1.assert_equals(module, naive1.cbam, (1, 8, 4, 3))


@pytest.mark.parametrize("kernel_size", [3, 7])
def test_the_articles_form_equals_the_formula(kernel_size: int) -> None:
    module = CBAM(8, reduction=4, kernel_size=kernel_size, form="article")
    naive1.assert_equals(module, naive1.cbam, (2, 8, 3, 5), article=True)


def test_parameters() -> None:
    c, h, k = 64, 4, 49
    published, article = CBAM(c), CBAM(c, kernel_size=k, form="article")
    assert sum(p.numel() for p in published.parameters()) == 2 * c * h + h + c + 100
    assert sum(p.numel() for p in article.parameters()) == 2 * c * h + 2 * k**2 + 1


def test_the_spatial_gate_starts_at_a_half() -> None:
    x = images((2, 16, 5, 4), seed=1)
    module = CBAM(16).eval()
    torch.testing.assert_close(module(x), 0.5 * module.channel(x))


@pytest.mark.parametrize("kind", ["lp", "lse"])
def test_half_precision_keeps_sums_that_overflow_it(kind: str) -> None:
    """Both the squares and the exponentials of 300×300 pixels sum to more than float16 holds."""
    x = 2 + 0.1 * images((1, 4, 300, 300), seed=1)
    expected = pool(x, kind)
    assert pool(x.half(), kind).dtype == torch.float16
    torch.testing.assert_close(pool(x.half(), kind).float(), expected, rtol=1e-2, atol=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reduction": 17}, "reduction is 17"),
        ({"pools": ()}, "pools is .* avg, max, lp, lse"),
        ({"pools": ("avg", "median")}, "median.*avg, max, lp, lse"),
        ({"kernel_size": 4}, "kernel_size is 4; it must be odd"),
        ({"kernel_size": -1}, "kernel_size is -1; it must be odd"),
        ({"form": "paper"}, "form is 'paper'"),
    ],
)
def test_options_without_meaning_are_refused(options, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CBAM(16, **options)
