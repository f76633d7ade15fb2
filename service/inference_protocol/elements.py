"""The elements of a tensor: JSON to bytes and back, and whether bytes fit a datatype and a shape.

All that is wrong is told by a ValueError, whose text goes to the caller.
"""

import math
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

from service.tensors import BYTES, DATATYPES, ITEM_BYTES, Tensor

LENGTH = struct.Struct("<I")
BINARY_ONLY = {"FP16", "BF16"}  # as Triton has it
KINDS = {"b": "b", "i": "iu", "u": "iuO", "f": "iuf"}  # of numpy, that JSON may have for each

Array = np.ndarray[Any, np.dtype[Any]]


def check(datatype: str, shape: tuple[int, ...], raw: bytes | memoryview) -> None:
    """Raise unless ``raw`` is what a tensor of ``datatype`` and ``shape`` has."""
    if datatype != BYTES and datatype not in ITEM_BYTES:
        raise ValueError(f"there is no datatype {datatype[:100]!r}")
    if datatype == BYTES:
        found, unit = sum(1 for _ in split(raw)), "elements"
        expected = math.prod(shape)
    else:
        found, unit = len(raw), "bytes"
        expected = math.prod(shape) * ITEM_BYTES[datatype]
    if found != expected:
        raise ValueError(f"{datatype} of shape {list(shape)} has {expected} {unit}, not {found}")


def pack(datatype: str, shape: tuple[int, ...], data: Any) -> bytes:
    """The bytes of what JSON has, nested or flat."""
    if datatype in BINARY_ONLY:
        raise ValueError(f"{datatype} can only be sent as binary data")
    if datatype != BYTES and datatype not in DATATYPES:
        raise ValueError(f"there is no datatype {datatype[:100]!r}")
    if not isinstance(data, list):
        raise ValueError("it has neither 'data', which is an array, nor 'binary_data_size'")  # noqa: TRY004
    array = _array(datatype, data)
    if array.size != math.prod(shape):
        raise ValueError(f"the shape {list(shape)} does not hold {array.size} elements")
    if datatype == BYTES:
        return b"".join(_with_length(text) for text in array.flat)
    return _numbers(datatype, array).tobytes()


def unpack(tensor: Tensor) -> list[Any]:
    """The elements of a tensor that was checked, for JSON: flat, as Triton has them."""
    if tensor.datatype in BINARY_ONLY:
        raise ValueError(f"{tensor.datatype} can only be had as binary data")
    if tensor.datatype != BYTES:
        found: list[Any] = np.frombuffer(tensor.raw, DATATYPES[tensor.datatype]).tolist()
        return found
    try:
        return [str(element, "utf-8") for element in split(tensor.raw)]
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8, so it can only be had as binary data") from None


def split(raw: bytes | memoryview) -> Iterator[memoryview]:
    """The elements of a tensor of BYTES."""
    view, at = memoryview(raw), 0
    while at < len(view):
        begin = at + LENGTH.size
        if begin > len(view):
            raise ValueError("its last element has no whole length")
        at = begin + LENGTH.unpack_from(view, begin - LENGTH.size)[0]
        if at > len(view):
            raise ValueError("its last element is longer than its data")
        yield view[begin:at]


def _with_length(text: Any) -> bytes:
    if not isinstance(text, str):
        raise ValueError("elements of BYTES are strings in JSON")  # noqa: TRY004
    element = text.encode()
    return LENGTH.pack(len(element)) + element


def _array(datatype: str, data: list[Any]) -> Array:
    try:
        found = np.array(data, dtype=object if datatype == BYTES else None)
        if datatype == "UINT64" and found.dtype.kind == "f":  # as numpy has [1, 2**63]
            exact = np.array(data, dtype=object)
            found = exact if all(type(item) is int for item in exact.flat) else found
    except ValueError:
        raise ValueError("its data is not nested evenly") from None
    return found


def _numbers(datatype: str, found: Array) -> Array:
    wanted = DATATYPES[datatype]
    if found.size == 0:
        return found.astype(wanted)
    limits = np.iinfo(wanted.name) if wanted.kind in "iu" else None
    if found.dtype.kind not in KINDS[wanted.kind]:
        raise ValueError(f"its data has elements that are no {datatype}")
    if limits is not None and (found.min() < limits.min or found.max() > limits.max):
        raise ValueError(f"its data has elements out of the range of {datatype}")
    with np.errstate(over="ignore"):  # too large a float becomes infinite, as in Triton
        return found.astype(wanted)
