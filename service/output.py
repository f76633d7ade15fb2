"""One output of the model, held against what its recipe promises."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.errors import UnexpectedOutput
from service.values import Outputs


def floats(outputs: Outputs, name: str, shape: tuple[int, ...]) -> NDArray[np.floating[Any]]:
    """The output ``name`` of the one image that was asked about, of ``shape``.

    Raises:
        UnexpectedOutput: it is missing, has another shape, or does not hold finite floats.
    """
    row = _row(outputs, name, shape)
    if row.dtype.kind != "f" or not np.isfinite(row).all():
        raise UnexpectedOutput(f"output {name!r} does not hold finite floats")
    return row


def integers(
    outputs: Outputs, name: str, shape: tuple[int, ...], below: int
) -> NDArray[np.signedinteger[Any]]:
    """The same for whole numbers from 0 to ``below`` - 1.

    Raises:
        UnexpectedOutput: it is missing, has another shape, or holds something else.
    """
    row = _row(outputs, name, shape)
    if row.dtype.kind != "i" or not ((row >= 0) & (row < below)).all():
        raise UnexpectedOutput(f"output {name!r} does not hold integers in 0..{below - 1}")
    return row


def _row(outputs: Outputs, name: str, shape: tuple[int, ...]) -> NDArray[Any]:
    array = outputs.arrays.get(name)
    expected = (1, *shape)
    if array is None or array.shape != expected:
        got = None if array is None else array.shape
        raise UnexpectedOutput(f"output {name!r} has the shape {got}, not {expected}")
    row: NDArray[Any] = array[0]
    return row
