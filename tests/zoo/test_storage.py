"""Stored weights come back: bit by bit, or as near as their storage can hold them."""

import pytest
import torch
from torch import Tensor

from zoo.classifiers import create
from zoo.storage import SCALES, Storage, restored, serialise

STATE = {
    "weight": torch.linspace(-1, 1, 12).view(3, 4),
    "count": torch.tensor(7),
    "turned": torch.arange(6.0).view(2, 3).T,
}


def returned(name: str, value: Tensor, storage: Storage) -> Tensor:
    return restored(serialise({name: value}, storage))[name]


def test_float32_comes_back_bit_by_bit() -> None:
    loaded = restored(serialise(STATE))
    assert loaded.keys() == STATE.keys()
    assert all(torch.equal(loaded[name], STATE[name]) for name in STATE)
    assert all(loaded[name].dtype == STATE[name].dtype for name in STATE)


@pytest.mark.parametrize(
    ("storage", "step", "share"), [(Storage.FLOAT16, 2.0**-11, 0.53), (Storage.INT8, 1 / 253, 0.31)]
)
def test_smaller_storage_comes_back_as_float32_and_near(
    storage: Storage, step: float, share: float
) -> None:
    torch.manual_seed(0)
    network = create("mbv2_simam", num_classes=6, image_size=64)
    state = network.state_dict()
    content = serialise(state, storage)
    loaded = restored(content)
    assert loaded.keys() == state.keys()
    assert all(loaded[name].dtype == state[name].dtype for name in state)
    for name, value in state.items():
        if value.is_floating_point():
            nearness = value.abs().max().item() * step
            torch.testing.assert_close(loaded[name], value, rtol=0, atol=nearness)
    assert len(content) < share * len(serialise(state))
    network.load_state_dict(loaded)


@pytest.mark.parametrize("storage", [Storage.FLOAT16, Storage.INT8])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("features.0.1.running_mean", torch.tensor([0.1])),
        ("features.0.1.running_var", torch.tensor([0.1])),
        ("overflows", torch.tensor([1.0, 70000.0])),
        ("vanishes", torch.tensor([1e-9, 3e-9])),
        ("features.0.1.num_batches_tracked", torch.tensor(7)),
    ],
)
def test_what_float16_cannot_hold_and_statistics_stay_as_they_are(
    name: str, value: Tensor, storage: Storage
) -> None:
    kept = returned(name, value, storage)
    assert kept.dtype == value.dtype
    assert torch.equal(kept, value)


def test_small_values_beside_large_ones_are_halved() -> None:
    value = torch.tensor([1.0, 1e-9, -0.3])
    assert torch.equal(returned("weight", value, Storage.FLOAT16), value.half().float())


def test_each_output_channel_has_int8_levels_of_its_own() -> None:
    value = torch.tensor([[100.0, -50.0], [1e-3, 5e-4], [0.0, 0.0]])
    kept = returned("weight", value, Storage.INT8)
    torch.testing.assert_close(kept, value, rtol=1e-2, atol=0)
    assert not any(name.endswith(SCALES) for name in restored(serialise({"w": value})))


def test_what_was_stored_as_int8_is_stored_again_as_the_same_bytes() -> None:
    first = serialise(STATE, Storage.INT8)
    assert serialise(restored(first), Storage.INT8) == first
