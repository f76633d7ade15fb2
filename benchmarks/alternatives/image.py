"""The test image's way to pixels, the same in the bare loop and in every alternative."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 64  # pixels of the network's square input


def pixels(jpeg: bytes) -> NDArray[np.uint8]:
    """(64, 64, 3) RGB, stretched as the network's recipe says."""
    picture = Image.open(io.BytesIO(jpeg)).convert("RGB")
    return np.array(picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR))
