"""BentoML: a worker a core, `max_concurrency` against overload.

No batching: BentoML batches what clients send as lists, or between two services, which would pass
every image through another process.
"""

from typing import Annotated

import bentoml
import numpy as np
from bentoml.validators import ContentType
from PIL import Image

from benchmarks.alternatives.image import SIDE
from benchmarks.alternatives.network import IN_FLIGHT, WORKERS, load

Jpeg = Annotated[Image.Image, ContentType("image/jpeg")]


@bentoml.service(
    workers=WORKERS,
    traffic={"max_concurrency": IN_FLIGHT},
    logging={"access": {"enabled": False}},
)
class Classifier:
    """One worker."""

    def __init__(self) -> None:
        self.network = load()

    @bentoml.api
    def predict(self, image: Jpeg, /) -> list[float]:
        """BentoML opens the file; it is decoded here, by the first call that needs pixels."""
        resized = image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        scores: list[float] = self.network(np.array(resized)[None])[0].tolist()
        return scores
