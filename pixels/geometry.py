"""Points of an image in the tensor made of it, and the way back."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """Where the image went inside the tensor: tensor = image × scale + offset, per axis."""

    scale_x: float
    scale_y: float
    offset_x: float
    offset_y: float
    width: int  # of the image
    height: int

    def apply(self, points: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """(…, 2) x, y in image pixels to tensor pixels."""
        scale, offset = (self.scale_x, self.scale_y), (self.offset_x, self.offset_y)
        return np.asarray(points, dtype=np.float64) * scale + offset

    def undo(self, points: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """(…, 2) x, y in tensor pixels to image pixels; a point in the bars lies outside."""
        scale, offset = (self.scale_x, self.scale_y), (self.offset_x, self.offset_y)
        return (np.asarray(points, dtype=np.float64) - offset) / scale

    def clip(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """The points of the image that are nearest to ``points``."""
        return np.clip(points, 0, (self.width, self.height))
