"""Box coding against a loop over scalars, and against itself."""

from math import exp, log

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from tests.zoo.detectors.scripting import scripted
from zoo.detectors.coding import BoxCoder

WEIGHTS = [(1.0, 1.0, 1.0, 1.0), (10.0, 10.0, 5.0, 5.0)]


def some_boxes(count: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    corners = torch.rand(count, 2, generator=generator, dtype=torch.float64) * 200 - 20
    sides = torch.rand(count, 2, generator=generator, dtype=torch.float64) * 90 + 2
    return torch.cat((corners, corners + sides), dim=1)


def naive_encode(box: list[float], anchor: list[float], weights: tuple[float, ...]) -> list[float]:
    width, height = anchor[2] - anchor[0], anchor[3] - anchor[1]
    box_width, box_height = box[2] - box[0], box[3] - box[1]
    return [
        weights[0] * ((box[0] + box[2]) / 2 - (anchor[0] + anchor[2]) / 2) / width,
        weights[1] * ((box[1] + box[3]) / 2 - (anchor[1] + anchor[3]) / 2) / height,
        weights[2] * log(box_width / width),
        weights[3] * log(box_height / height),
    ]


def naive_decode(
    delta: list[float], anchor: list[float], weights: tuple[float, ...]
) -> list[float]:
    width, height = anchor[2] - anchor[0], anchor[3] - anchor[1]
    x = (anchor[0] + anchor[2]) / 2 + delta[0] / weights[0] * width
    y = (anchor[1] + anchor[3]) / 2 + delta[1] / weights[1] * height
    new_width = width * exp(min(delta[2] / weights[2], log(1000 / 16)))
    new_height = height * exp(min(delta[3] / weights[3], log(1000 / 16)))
    return [x - new_width / 2, y - new_height / 2, x + new_width / 2, y + new_height / 2]


@pytest.mark.parametrize("weights", WEIGHTS)
def test_it_computes_what_a_loop_computes(weights: tuple[float, ...]) -> None:
    found, anchors = some_boxes(50, seed=1), some_boxes(50, seed=2)
    deltas = torch.randn(50, 4, generator=torch.Generator().manual_seed(3), dtype=torch.float64) * 9
    assert (deltas[:, 2:] > weights[2] * log(1000 / 16)).any(), "the limit is not tried"
    coder = BoxCoder(weights)
    encoded = [
        naive_encode(*pair, weights) for pair in zip(found.tolist(), anchors.tolist(), strict=True)
    ]
    decoded = [
        naive_decode(*pair, weights) for pair in zip(deltas.tolist(), anchors.tolist(), strict=True)
    ]
    expected = torch.tensor(encoded, dtype=torch.float64)
    assert torch.allclose(coder.encode(found, anchors), expected, rtol=0, atol=1e-12)
    expected = torch.tensor(decoded, dtype=torch.float64)
    assert torch.allclose(coder.decode(deltas, anchors), expected, rtol=1e-13, atol=1e-11)


@given(seed=st.integers(0, 10_000), weights=st.sampled_from(WEIGHTS))
def test_decoding_undoes_encoding(seed: int, weights: tuple[float, ...]) -> None:
    found, anchors = some_boxes(8, seed), some_boxes(8, seed + 1)
    coder = BoxCoder(weights)
    again = coder.decode(coder.encode(found, anchors), anchors)
    assert torch.allclose(again, found, rtol=0, atol=1e-10)


def test_it_scripts() -> None:
    coder = BoxCoder(WEIGHTS[1])
    deltas, anchors = some_boxes(9, seed=4) / 50, some_boxes(9, seed=5)

    class Decode(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.coder = coder

        def forward(self, deltas: Tensor, anchors: Tensor) -> Tensor:
            return self.coder.decode(deltas, anchors)

    assert torch.equal(scripted(Decode())(deltas, anchors), coder.decode(deltas, anchors))
