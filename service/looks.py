"""What an image is like, as far as it is cheap to tell: where inputs drift, this changes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.recipe import InputSpec, Layout
from pixels.fit import Prepared
from service.values import Upload

SAMPLES = 16  # rows and columns, of some hundred, that are enough for a mean


@dataclass(frozen=True, slots=True)
class Looks:
    """One image, as it was sent."""

    kind: str  # Pillow's name of the format
    size_bytes: int
    width: int  # of the upright image
    height: int
    brightness: float  # of what the model is shown, from 0, all black, to 1, all white

    @property
    def megapixels(self) -> float:
        """Millions of pixels."""
        return self.width * self.height / 1e6

    @property
    def aspect_ratio(self) -> float:
        """Width over height."""
        return self.width / self.height


def looks(upload: Upload, kind: str, prepared: Prepared, spec: InputSpec) -> Looks:
    """What ``upload``, a file of the format ``kind``, is like."""
    return Looks(
        kind=kind,
        size_bytes=len(upload.data),
        width=prepared.geometry.width,
        height=prepared.geometry.height,
        brightness=brightness(prepared.tensor, spec),
    )


def brightness(tensor: NDArray[Any], spec: InputSpec) -> float:
    """The mean level of a model's input, 0 to 1, of some rows and columns.

    ``tensor`` is (1, H, W, 3), or (1, 3, H, W); a normalisation is undone.
    """
    pixels = tensor[0] if spec.layout is Layout.NHWC else tensor[0].transpose(1, 2, 0)
    height, width = pixels.shape[:2]
    sample = pixels[:: max(1, height // SAMPLES), :: max(1, width // SAMPLES)]  # (h, w, 3)
    if spec.normalisation is None:
        return float(sample.mean()) / 255
    by = spec.normalisation
    levels = sample.mean(axis=(0, 1)) * by.std + by.mean
    return float(np.mean(levels)) / by.scale / 255
