"""How weights lie in a safetensors file: exactly, in half the space, or in a quarter."""

from collections.abc import Mapping
from enum import StrEnum

import safetensors.torch
import torch
from torch import Tensor

STATISTICS = ("running_mean", "running_var")  # of batch norms; the export folds them into weights
HALF_STEP = 2.0**-11  # what rounding to float16 changes at most, as a share of a normal number
LEVELS = 127  # of int8 either side of zero
SCALES = ".scales"  # after the name of an int8 tensor: float32, one for each of its first dimension


class Storage(StrEnum):
    """What the numbers are stored as; figures are measured of what a file gives back."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    INT8 = "int8"  # of weights of layers; the rest as float16


def serialise(state: Mapping[str, Tensor], storage: Storage = Storage.FLOAT32) -> bytes:
    """A state_dict, buffers included, as the content of a safetensors file."""
    stored: dict[str, Tensor] = {}
    for name, value in state.items():
        stored |= _stored(name, value.cpu().contiguous(), storage)
    return safetensors.torch.save(stored)


def restored(content: bytes) -> dict[str, Tensor]:
    """The state_dict in ``content``, on the CPU; what was stored smaller is float32 again."""
    stored = safetensors.torch.load(content)
    return {
        name: _restored(value, stored.get(name + SCALES))
        for name, value in stored.items()
        if not name.endswith(SCALES)
    }


def _stored(name: str, value: Tensor, storage: Storage) -> dict[str, Tensor]:
    if storage is Storage.FLOAT32 or name.endswith(STATISTICS) or not _is_float32(value):
        return {name: value}
    if storage is Storage.INT8 and value.ndim > 1:
        return _quantised(name, value)
    return {name: _halved(value)}


def _is_float32(value: Tensor) -> bool:
    return value.dtype is torch.float32 and value.numel() > 0


def _halved(value: Tensor) -> Tensor:
    """float16, unless that would change a value by more than 2^-11 of the largest one.

    It overflows there, or all of the tensor is too small.
    """
    half = value.half()
    change = (half.float() - value).abs().max()
    return half if change <= HALF_STEP * value.abs().max() else value


def _quantised(name: str, value: Tensor) -> dict[str, Tensor]:
    """int8 by the largest value of each output channel; no value changes by over 1/254 of it."""
    largest = value.abs().amax(dim=tuple(range(1, value.ndim)), keepdim=True)
    scales = torch.where(largest > 0, largest, 1.0) / LEVELS
    return {name: (value / scales).round().to(torch.int8), name + SCALES: scales}


def _restored(value: Tensor, scales: Tensor | None) -> Tensor:
    if scales is not None:
        return value * scales
    return value.float() if value.dtype is torch.float16 else value
