"""Tensors as callers of the Open Inference Protocol send and get them: bytes that nobody decoded.

https://github.com/kserve/open-inference-protocol, and Triton's extensions of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

BYTES = "BYTES"  # elements of any length, each behind it: 4 bytes, the lowest first
DATATYPES = {
    "BOOL": np.dtype(np.bool_),
    "UINT8": np.dtype(np.uint8),
    "UINT16": np.dtype(np.uint16),
    "UINT32": np.dtype(np.uint32),
    "UINT64": np.dtype(np.uint64),
    "INT8": np.dtype(np.int8),
    "INT16": np.dtype(np.int16),
    "INT32": np.dtype(np.int32),
    "INT64": np.dtype(np.int64),
    "FP16": np.dtype(np.float16),
    "FP32": np.dtype(np.float32),
    "FP64": np.dtype(np.float64),
}
ITEM_BYTES = {name: dtype.itemsize for name, dtype in DATATYPES.items()} | {"BF16": 2}

Parameter = bool | int | float | str


@dataclass(frozen=True, slots=True)
class Tensor:
    """One input or output."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    raw: bytes | memoryview  # row by row


@dataclass(frozen=True, slots=True)
class RequestedOutput:
    """An output that the caller names."""

    name: str
    class_count: int = 0  # over 0: that many of the best classes as text, in place of the values


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorRequest:
    """One inference."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[RequestedOutput, ...] = ()  # empty: all that the model has
    id: str = ""  # the caller's, for the answer to repeat
    parameters: Mapping[str, Parameter] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorAnswer:
    """What came of it."""

    model: str
    version: str
    outputs: tuple[Tensor, ...]
    id: str = ""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
