"""The deterministic state and input that the reference networks' expected logits belong to."""

import zlib
from collections.abc import Mapping
from math import prod, sqrt

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


def filled(network: nn.Module, *, salt: int, gain: float) -> nn.Module:
    """``network`` in eval mode, every entry of its state drawn from a stream of its own."""
    shapes = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    network.load_state_dict(filled_state(shapes, salt=salt, gain=gain))
    return network.eval()


def filled_state(
    shapes: Mapping[str, tuple[int, ...]], *, salt: int, gain: float
) -> dict[str, Tensor]:
    """A state_dict of these names and shapes; the name of an entry seeds it."""
    return {key: _entry(key, shape, salt, gain) for key, shape in shapes.items()}


def images(shape: tuple[int, ...], seed: int) -> Tensor:
    """Normalised images between -2 and 2."""
    return torch.from_numpy((4 * _uniform(seed, shape) - 2).astype(np.float32))


def _entry(key: str, shape: tuple[int, ...], salt: int, gain: float) -> Tensor:
    if key.endswith("num_batches_tracked"):
        return torch.zeros(shape, dtype=torch.int64)
    u = _uniform((zlib.crc32(key.encode()) + salt) % 2**32, shape)
    if key.endswith("running_var"):
        value = 0.5 + u
    elif len(shape) >= 2:
        value = (2 * u - 1) * sqrt(3) * gain / sqrt(prod(shape[1:]))
    elif key.endswith("weight"):
        value = 0.5 + u
    else:  # biases and running means
        value = 0.2 * (2 * u - 1)
    return torch.from_numpy(value.astype(np.float32))


def _uniform(seed: int, shape: tuple[int, ...]) -> NDArray[np.float64]:
    stream = np.random.RandomState(seed).random_sample(prod(shape))  # frozen by NumPy
    return stream.reshape(shape)
