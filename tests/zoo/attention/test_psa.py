"""The three designs of polarized self-attention against their formulas."""

import pytest
import torch

from tests.zoo.attention import naive2
from tests.zoo.fill import filled, images
from zoo.attention.psa import PolarizedSelfAttention

ORDERS = ["parallel", "sequential"]
FORMS = ["article", "official"]


@pytest.mark.parametrize("shape", [(2, 16, 3, 5), (1, 9, 4, 1), (1, 8, 1, 1)])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("order", ORDERS)
def test_it_equals_the_formula(shape: tuple[int, ...], order, form) -> None:
    layer = PolarizedSelfAttention(shape[1], order=order, form=form)
    layer = filled(layer, salt=1, gain=1.0).double()
    x = images(shape, seed=2).double()
    naive = torch.stack([naive2.polarized(i, layer.state_dict(), order, form) for i in x])
    torch.testing.assert_close(layer(x), naive, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    ("order", "form", "parameters"),
    [
        ("parallel", "article", 2 * 64**2 + 5.5 * 64 + 1),
        ("sequential", "article", 2 * 64**2 + 5.5 * 64 + 1),
        ("parallel", "official", 2 * 64**2 + 64),
        ("sequential", "official", 1.6875 * 64**2 + 2.375 * 64),
    ],
)
def test_parameters_are_as_many_as_published(order, form, parameters: float) -> None:
    layer = PolarizedSelfAttention(64, order=order, form=form)
    assert sum(p.numel() for p in layer.parameters()) == parameters


@pytest.mark.parametrize("form", FORMS)
def test_the_orders_differ(form) -> None:
    x = images((1, 16, 3, 5), seed=2)
    layers = [PolarizedSelfAttention(16, order=order, form=form) for order in ORDERS]
    parallel, sequential = (filled(layer, salt=1, gain=1.0)(x) for layer in layers)
    assert not torch.allclose(parallel, sequential, atol=1e-3)


@pytest.mark.parametrize(
    ("hyper", "message"),
    [
        ({"order": "serial"}, "order is 'serial'; it must be"),
        ({"form": "paper"}, "form is 'paper'; it must be"),
        ({"channels": 1}, "channels is 1; .* needs 2"),
        ({"channels": 7, "order": "sequential", "form": "official"}, "channels is 7; .* needs 8"),
    ],
)
def test_hyper_parameters_without_meaning_are_refused(hyper, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PolarizedSelfAttention(**{"channels": 16, **hyper})
