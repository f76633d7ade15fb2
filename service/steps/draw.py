"""Image and Findings to a PNG: boxes, masks, labels and scores on the picture."""

import colorsys
import io
import math

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from PIL import ImageDraw, ImageFont

from service.paste import runs
from service.values import Detection, Findings, Image, Label

LONGEST_SIDE = 2048  # pixels of the answer; a larger image is scaled down to it
SHADE = 0.45  # share of the class's colour in a masked pixel
MOST_LABELS = 5  # of a classifier, in the caption
LONGEST_NAME = 60  # characters
WARNING = "untrained"  # across the foot of a picture whose model has fresh weights
DARK, BRIGHT = (0, 0, 0), (255, 255, 255)

Colour = tuple[int, int, int]
Scale = tuple[float, float]  # picture pixels per image pixel, x and y


def canvas(image: Image) -> PIL.Image.Image:
    """The picture to draw on: the image, or a copy that is LONGEST_SIDE pixels long."""
    scale = LONGEST_SIDE / max(image.width, image.height)
    if scale >= 1:
        return image.picture
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.picture.resize(size, PIL.Image.Resampling.BILINEAR, reducing_gap=2.0)


def draw(
    picture: PIL.Image.Image, findings: Findings, size: tuple[int, int], untrained: bool = False
) -> bytes:
    """A PNG of ``picture``, which is an image of ``size`` (width, height), and what was found.

    It says so where the model is ``untrained``.
    """
    detections = (findings.detections or ())[::-1]  # the best one comes last, on top
    scale = picture.width / size[0], picture.height / size[1]
    drawn = _shaded(picture, detections, scale)
    pen = _Pen(drawn)
    for detection in detections:
        pen.outline(detection, scale)
    for detection in detections:
        pen.name(detection, scale)
    pen.names((findings.labels or ())[:MOST_LABELS])
    if untrained:
        pen.warn(WARNING)
    file = io.BytesIO()
    drawn.save(file, "PNG", compress_level=1)  # a fifth of the default's time, a fifth larger
    return file.getvalue()


def _shaded(
    picture: PIL.Image.Image, detections: tuple[Detection, ...], scale: Scale
) -> PIL.Image.Image:
    """A copy of ``picture`` with the masked pixels tinted, each by the last mask over it."""
    if all(detection.mask is None for detection in detections):
        return picture.copy()
    height, width = picture.height, picture.width
    owner = np.zeros(width * height, dtype=np.uint32)  # 1 + position in detections, by column
    for position, detection in enumerate(detections, start=1):
        if detection.mask is not None:
            x1, y1, x2, y2 = detection.mask.frame
            frame = (x1 * scale[0], y1 * scale[1], x2 * scale[0], y2 * scale[1])
            _fill(owner, *runs(detection.mask.grid, frame, (height, width)), position)
    owners = owner.reshape(width, height).T
    palette = np.array([DARK, *(colour(one.label.class_id) for one in detections)], np.uint8)
    tinted = PIL.Image.blend(picture, PIL.Image.fromarray(palette[owners]), SHADE)
    return PIL.Image.composite(tinted, picture, PIL.Image.fromarray(owners > 0))


def _fill(
    flat: NDArray[np.uint32], begins: NDArray[np.int64], ends: NDArray[np.int64], value: int
) -> None:
    """Write ``value`` into the runs [begin, end) of ``flat``."""
    if len(begins):
        lengths = np.diff(np.stack([begins, ends], axis=1).ravel())  # inside, outside, inside, …
        inside = np.arange(len(lengths)) % 2 == 0
        flat[begins[0] : ends[-1]][np.repeat(inside, lengths)] = value


def colour(class_id: int) -> Colour:
    """The colour of a class: hues a golden angle apart, so that neighbours differ most."""
    red, green, blue = colorsys.hsv_to_rgb(class_id * 0.618034 % 1, 0.85, 0.95)
    return round(red * 255), round(green * 255), round(blue * 255)


def contrasting(background: Colour) -> Colour:
    """Black or white, whichever has the higher contrast ratio by WCAG 2.2: 4.5 or more."""
    linear = [
        level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4
        for level in (channel / 255 for channel in background)
    ]
    luminance = float(np.dot(linear, (0.2126, 0.7152, 0.0722)))
    return DARK if luminance > 0.179 else BRIGHT


class _Pen:
    """Lines and letters in a size that suits the picture."""

    def __init__(self, picture: PIL.Image.Image) -> None:
        diagonal = math.hypot(*picture.size)
        self._width, self._height = picture.size
        self._line = max(1, round(diagonal / 400))
        self._font = ImageFont.load_default(max(11, round(diagonal / 55)))
        self._draw = ImageDraw.Draw(picture)

    def outline(self, detection: Detection, scale: Scale) -> None:
        """The detection's box."""
        box, paint = detection.box, colour(detection.label.class_id)
        left, upper = round(box.x_min * scale[0]), round(box.y_min * scale[1])
        right = max(left, round(box.x_max * scale[0]) - 1)
        lower = max(upper, round(box.y_max * scale[1]) - 1)
        self._draw.rectangle((left, upper, right, lower), outline=paint, width=self._line)

    def name(self, detection: Detection, scale: Scale) -> None:
        """Its label and score above the box, or inside where the picture ends above it."""
        left, upper = round(detection.box.x_min * scale[0]), round(detection.box.y_min * scale[1])
        self._caption(detection.label, left, upper - self._row_height())

    def names(self, labels: tuple[Label, ...]) -> None:
        """The labels one below the other, from the upper left corner."""
        for row, label in enumerate(labels):
            self._caption(label, 0, row * self._row_height())

    def warn(self, text: str) -> None:
        """``text`` on a dark bar at the foot of the picture, over whatever is there."""
        upper = max(0, self._height - self._row_height())
        self._draw.rectangle((0, upper, self._width - 1, self._height - 1), fill=DARK)
        place = (self._line, upper + self._line)
        self._draw.text(place, text, fill=BRIGHT, font=self._font)

    def _row_height(self) -> int:
        return math.ceil(self._font.getbbox("Åy")[3]) + 2 * self._line

    def _caption(self, label: Label, left: int, upper: int) -> None:
        text, paint = self._fitting(label), colour(label.class_id)
        width, height = math.ceil(self._font.getlength(text)) + 2 * self._line, self._row_height()
        x, y = max(0, min(left, self._width - width)), max(0, upper)
        self._draw.rectangle((x, y, x + width - 1, y + height - 1), fill=paint)
        self._draw.text(
            (x + self._line, y + self._line), text, fill=contrasting(paint), font=self._font
        )

    def _fitting(self, label: Label) -> str:
        """The name and the score in one line, the name cut to what the picture's width holds."""
        name = " ".join(label.name.split())[:LONGEST_NAME]
        score = f"{label.score:.2f}"
        while name and self._font.getlength(f"{name} {score}") + 2 * self._line > self._width:
            name = name[:-1]
        return f"{name} {score}" if name else score
