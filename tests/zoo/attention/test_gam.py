"""GAM against its formula in loops, and its parameter count."""

import pytest

from tests.zoo.attention import naive1
from zoo.attention.gam import GAM


@pytest.mark.parametrize("channel_sigmoid", [False, True])
@pytest.mark.parametrize("padding_mode", ["zeros", "replicate"])
def test_it_equals_the_formula(channel_sigmoid: bool, padding_mode) -> None:
    naive1.assert_equals(
        GAM(4, channel_sigmoid=channel_sigmoid, padding_mode=padding_mode),
        naive1.gam,
        (2, 4, 3, 5),
        sigmoid_first=channel_sigmoid,
        replicate=padding_mode == "replicate",
    )


@pytest.mark.parametrize("rate", [1, 2])
def test_other_rates_equal_the_formula(rate: int) -> None:
    naive1.assert_equals(GAM(4, rate=rate), naive1.gam, (1, 4, 2, 3))


@pytest.mark.parametrize(("channels", "rate"), [(16, 4), (32, 8)])
def test_parameters(channels: int, rate: int) -> None:
    hidden = channels // rate
    expected = 100 * channels * hidden + 4 * hidden + 4 * channels
    assert sum(p.numel() for p in GAM(channels, rate=rate).parameters()) == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [({"rate": 9}, "rate is 9; with 8 channels"), ({"padding_mode": "reflect"}, "'reflect'")],
)
def test_options_without_meaning_are_refused(options, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GAM(8, **options)
