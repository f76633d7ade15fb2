"""What images are like, and what models see in them: where these shift, inputs have drifted."""

from service.instruments import Instruments
from service.looks import Looks
from service.trace import Trace

DETECTIONS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500)
SHARES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
MEGAPIXELS = (0.01, 0.03, 0.1, 0.3, 1, 2, 4, 8, 16, 32, 64)
BYTES = (1e3, 3e3, 1e4, 3e4, 1e5, 3e5, 1e6, 3e6, 1e7, 3e7)
RATIOS = (0.25, 0.5, 0.61, 0.71, 0.87, 1.15, 1.41, 1.64, 2, 4)  # between 9:16, 2:3, 3:4, 1, 4:3, …


class ImageMetrics:
    """What images are like, and what models see in them: where these shift, inputs have drifted."""

    def __init__(self, make: Instruments) -> None:
        self._megapixels = make.histogram(
            "fovea_image_megapixels", "Millions of pixels of an image", "model", MEGAPIXELS
        )
        self._bytes = make.histogram("fovea_image_bytes", "Bytes of a file", "model", BYTES)
        self._ratios = make.histogram(
            "fovea_image_aspect_ratio", "Width over height of an image", "model", RATIOS
        )
        self._brightness = make.histogram(
            "fovea_image_brightness", "Mean level of a model's input, 0 to 1", "model", SHARES
        )
        self._formats = make.counter(
            "fovea_image_formats_total", "Images by the format of their file", "model format"
        )
        self._scores = make.histogram(
            "fovea_top_score", "Score of an image's best label or object", "model version", SHARES
        )
        self._detections = make.histogram(
            "fovea_detections", "Objects that a detector's answer names", "model", DETECTIONS
        )

    def observe(self, trace: Trace) -> None:
        """Count one image."""
        if trace.looks is not None:
            self._observe_looks(trace.model, trace.looks)
        if trace.top_score is not None:
            self._scores(trace.model, trace.version).observe(trace.top_score)
        if trace.detections is not None:
            self._detections(trace.model).observe(trace.detections)

    def _observe_looks(self, model: str, looks: Looks) -> None:
        self._megapixels(model).observe(looks.megapixels)
        self._bytes(model).observe(looks.size_bytes)
        self._ratios(model).observe(looks.aspect_ratio)
        self._brightness(model).observe(looks.brightness)
        self._formats(model, looks.kind).inc()
