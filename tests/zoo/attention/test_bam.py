"""BAM against its formula in loops and the published parameter counts."""

import pytest
import torch

from tests.zoo.attention import naive1
from zoo.attention.bam import BAM


@pytest.mark.parametrize("form", ["code", "paper", "article"])
@pytest.mark.parametrize(("reduction", "dilation"), [(4, 4), (2, 1)])
def test_it_equals_the_formula(form, reduction: int, dilation: int) -> None:
    layers, convs = (3, 3) if form == "article" else (1, 2)
    naive1.assert_equals(
        BAM(8, reduction=reduction, dilation=dilation, form=form),
        naive1.bam,
        (2, 8, 3, 5),
        layers=layers,
        convs=convs,
        dilation=dilation,
        padding=dilation,
        form=form,
    )


def test_a_map_that_the_articles_padding_shrinks_to_one_pixel_equals_the_formula() -> None:
    naive1.assert_equals(
        BAM(8, reduction=4, dilation=2, form="article", padding=1),
        naive1.bam,
        (2, 8, 7, 7),
        layers=3,
        convs=3,
        dilation=2,
        padding=1,
        form="article",
    )


def test_parameters() -> None:
    c, h = 64, 4
    published, article = BAM(c), BAM(c, form="article")
    assert sum(p.numel() for p in published.parameters()) == 3 * c * h + c + 18 * h**2 + 13 * h + 1
    assert sum(p.numel() for p in article.parameters()) == 3 * c * h + c + 29 * h**2 + 22 * h + 1


@pytest.mark.parametrize("shape", [(1, 16, 8, 8), (1, 16, 7, 8), (1, 16, 6, 6), (1, 16, 2, 2)])
def test_a_map_that_shrinks_to_a_useless_size_is_refused(shape: tuple[int, ...]) -> None:
    module = BAM(16, dilation=2, form="article", padding=1).eval()
    with pytest.raises(ValueError, match=f"{shape[2]}×{shape[3]} by 6.*set padding=None"):
        module(torch.zeros(shape))


def test_the_scripted_form_refuses_it_too() -> None:
    scripted = naive1.frozen(BAM(16, dilation=2, form="article", padding=1).eval())
    with pytest.raises(torch.jit.Error, match="set padding=None"):
        scripted(torch.zeros(1, 16, 8, 8))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reduction": 0}, "reduction is 0"),
        ({"form": "published"}, "form is 'published'"),
        ({"dilation": 0}, "dilation is 0; it must be 1 or more"),
        ({"padding": 5}, "padding is 5; it must lie between 0 and dilation=4"),
        ({"padding": -1}, "padding is -1"),
    ],
)
def test_options_without_meaning_are_refused(options, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BAM(16, **options)
