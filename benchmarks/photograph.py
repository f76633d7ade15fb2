"""The image that every system is asked about."""

import io

import numpy as np
import skimage.data
from PIL import Image

WIDTH, HEIGHT = 640, 480
QUALITY = 90


def photograph(width: int = WIDTH, height: int = HEIGHT) -> bytes:
    """A JPEG as a camera would store it."""
    pixels = skimage.data.astronaut()  # type: ignore[no-untyped-call]
    image = Image.fromarray(np.asarray(pixels)).resize((width, height))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()
