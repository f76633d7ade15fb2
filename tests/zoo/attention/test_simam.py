"""SimAM against its formula, written out pixel by pixel."""

from math import exp, prod
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import Tensor

from tests.zoo.fill import images
from zoo.attention.simam import SimAM

GOLDEN = Path(__file__).parents[4] / "shared/golden/attention"
CASES = {"01": 1e-4, "02": 0.1, "03": 0.1, "04": 0.1, "05": 1e-4}  # file and its lambda

shapes = st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 6), st.integers(1, 6))
lambdas = st.sampled_from([1e-6, 1e-4, 0.1, 3.0])
scales = st.sampled_from([1e-3, 1.0, 50.0])


def naive(x: Tensor, lambda_: float) -> Tensor:
    """One channel after the other, in Python's own floats; the map has two pixels or more."""
    y = torch.empty_like(x)
    for b in range(x.shape[0]):
        for c in range(x.shape[1]):
            pixels = x[b, c].flatten().tolist()
            mean = sum(pixels) / len(pixels)
            variance = sum((p - mean) ** 2 for p in pixels) / (len(pixels) - 1)
            energies = [(p - mean) ** 2 / (4 * (variance + lambda_)) + 0.5 for p in pixels]
            gated = [p / (1 + exp(-e)) for p, e in zip(pixels, energies, strict=True)]
            y[b, c] = torch.tensor(gated, dtype=x.dtype).view_as(x[b, c])
    return y


def sample(shape: tuple[int, ...], scale: float = 1.0) -> Tensor:
    return scale * images(shape, seed=prod(shape)).double()


@settings(deadline=None, max_examples=40)
@given(shape=shapes.filter(lambda s: s[2] * s[3] > 1), lambda_=lambdas, scale=scales)
def test_it_equals_the_formula(shape: tuple[int, ...], lambda_: float, scale: float) -> None:
    x = sample(shape, scale)
    torch.testing.assert_close(SimAM(shape[1], lambda_)(x), naive(x, lambda_), rtol=1e-8, atol=0)


@pytest.mark.parametrize("case", CASES)
def test_it_equals_the_authors_outputs(case: str) -> None:
    path = GOLDEN / f"simam-official-{case}.safetensors"
    if not path.exists():
        pytest.skip(f"{path} is absent: the reference data is not part of the project")
    tensors = load_file(path)
    module = SimAM(tensors["x"].shape[1], CASES[case])
    torch.testing.assert_close(module(tensors["x"]), tensors["y"], rtol=0, atol=5e-6)
    if "y64" in tensors:
        wide = module(tensors["x"].double())
        torch.testing.assert_close(wide, tensors["y64"], rtol=1e-8, atol=1e-8)


@given(shape=shapes, value=st.floats(-100, 100))
def test_a_constant_map_is_gated_by_sigmoid_of_a_half(shape: tuple[int, ...], value: float) -> None:
    x = torch.full(shape, value, dtype=torch.float64)
    expected = x * torch.sigmoid(torch.tensor(0.5, dtype=torch.float64))
    torch.testing.assert_close(SimAM(shape[1])(x), expected, rtol=1e-8, atol=0)


def test_a_map_of_one_pixel_is_defined() -> None:
    x = torch.tensor([3.0, -2.0]).view(1, 2, 1, 1)
    torch.testing.assert_close(SimAM(2)(x), x * torch.tensor(0.5).sigmoid())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_keeps_the_gate_on_large_maps(dtype: torch.dtype) -> None:
    """The sum of squares of a 112×112 map lies beyond float16: its gates would all be 0.622."""
    x = (3 * torch.randn(1, 2, 112, 112, generator=torch.Generator().manual_seed(0))).to(dtype)
    y = SimAM(2)(x)
    assert y.dtype == dtype
    torch.testing.assert_close(y.float(), SimAM(2)(x.float()), rtol=1e-2, atol=0)


@pytest.mark.parametrize(
    "relaid",
    [
        lambda x: x.to(memory_format=torch.channels_last),
        lambda x: x.repeat_interleave(2, dim=3)[..., ::2],
        lambda x: x.transpose(2, 3).contiguous().transpose(2, 3),
    ],
    ids=["channels_last", "sliced", "transposed"],
)
def test_the_layout_in_memory_changes_nothing(relaid) -> None:
    x = sample((2, 3, 5, 7))
    other = relaid(x)
    assert not other.is_contiguous()
    torch.testing.assert_close(SimAM(3)(other), SimAM(3)(x), rtol=1e-12, atol=0)


def test_flipping_the_image_flips_the_answer() -> None:
    x = sample((2, 3, 5, 7))
    torch.testing.assert_close(SimAM(3)(x.flip(2, 3)), SimAM(3)(x).flip(2, 3), rtol=1e-12, atol=0)


def test_gradients_are_those_of_the_formula() -> None:
    x = sample((2, 2, 3, 4)).requires_grad_()
    assert torch.autograd.gradcheck(SimAM(2), (x,))


def test_lambda_is_honoured() -> None:
    x = sample((1, 2, 4, 4))
    assert not torch.allclose(SimAM(2, 1e-4)(x), SimAM(2, 0.1)(x))


@pytest.mark.parametrize("lambda_", [0.0, -0.1, float("nan")])
def test_a_lambda_without_meaning_is_refused(lambda_: float) -> None:
    with pytest.raises(ValueError, match=r"lambda_ is .* must be positive"):
        SimAM(4, lambda_)
