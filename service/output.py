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
    array = outputs.arrays.get(name)
    expected = (1, *shape)
    if array is None or array.shape != expected:
        got = None if array is None else array.shape
        raise UnexpectedOutput(f"output {name!r} has the shape {got}, not {expected}")
    if array.dtype.kind != "f" or not np.isfinite(array).all():
        raise UnexpectedOutput(f"output {name!r} does not hold finite floats")
    row: NDArray[np.floating[Any]] = array[0]
    return row
