"""A picture and an InputSpec to the tensor, and the Geometry that undoes the resize."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from contract.recipe import ColourOrder, Fit, InputSpec, Interpolation, Layout, Normalisation
from pixels.geometry import Geometry

FILTERS = {
    Interpolation.BILINEAR: PIL.Image.Resampling.BILINEAR,
    Interpolation.BICUBIC: PIL.Image.Resampling.BICUBIC,
}


@dataclass(frozen=True, slots=True)
class Prepared:
    """The (1, H, W, 3) uint8 tensor, C-contiguous, and the way back to the image.

    Where the recipe says so it is (1, 3, H, W), or float32.
    """

    tensor: NDArray[np.uint8] | NDArray[np.float32]
    geometry: Geometry


@dataclass(frozen=True, slots=True)
class Placement:
    """Which part of an image becomes how many pixels, and where they lie in the tensor."""

    image: tuple[int, int]  # width, height
    box: tuple[float, float, float, float]  # left, upper, right, lower, in image pixels
    size: tuple[int, int]  # width, height
    corner: tuple[int, int] = (0, 0)

    def geometry(self) -> Geometry:
        """The same as a scale and an offset."""
        left, upper, right, lower = self.box
        scale_x, scale_y = self.size[0] / (right - left), self.size[1] / (lower - upper)
        return Geometry(
            scale_x=scale_x,
            scale_y=scale_y,
            offset_x=self.corner[0] - left * scale_x,
            offset_y=self.corner[1] - upper * scale_y,
            width=self.image[0],
            height=self.image[1],
        )


def prepare(picture: PIL.Image.Image, spec: InputSpec) -> Prepared:
    """A (1, height, width, 3) uint8 tensor, or what else ``spec`` says, of an RGB picture.

    With Layout.NCHW it is (1, 3, height, width); with a normalisation it is float32.
    """
    placement = place(picture.size, spec)
    levels: NDArray[Any] = _placed(picture, placement, spec)
    if spec.colour is ColourOrder.BGR:
        levels = levels[..., ::-1]
    if spec.normalisation is not None:
        levels = _normalise(levels, spec.normalisation)
    if spec.layout is Layout.NCHW:
        levels = levels.transpose(2, 0, 1)
    return Prepared(np.ascontiguousarray(levels)[np.newaxis], placement.geometry())


def place(image: tuple[int, int], spec: InputSpec) -> Placement:
    """Where an image of this width and height lies in the tensor."""
    return _PLACES[spec.fit](image, spec)


def fit(picture: PIL.Image.Image, spec: InputSpec) -> NDArray[np.uint8]:
    """(height, width, 3), RGB: the levels of ``prepare`` before their order or scale changes."""
    return _placed(picture, place(picture.size, spec), spec)


def _placed(picture: PIL.Image.Image, placement: Placement, spec: InputSpec) -> NDArray[np.uint8]:
    if placement.size != picture.size or placement.box != (0, 0, *picture.size):
        picture = picture.resize(placement.size, FILTERS[spec.interpolation], box=placement.box)
    if placement.size == (spec.width, spec.height):
        return np.asarray(picture)
    canvas = PIL.Image.new("RGB", (spec.width, spec.height), spec.fill)
    canvas.paste(picture, placement.corner)
    return np.asarray(canvas)


def _normalise(levels: NDArray[np.uint8], by: Normalisation) -> NDArray[np.float32]:
    """(levels × scale - mean) / std, as one multiplication and one subtraction."""
    std = np.array(by.std)
    scaled = levels.astype(np.float32)
    scaled *= (by.scale / std).astype(np.float32)
    scaled -= (np.array(by.mean) / std).astype(np.float32)
    return scaled


def _stretch(image: tuple[int, int], spec: InputSpec) -> Placement:
    return Placement(image, (0, 0, *image), (spec.width, spec.height))


def _crop(image: tuple[int, int], spec: InputSpec) -> Placement:
    """The part that would be left of the resized image, so that only this part is resized."""
    scale = (spec.shorter_side or spec.height) / min(image)
    width = min(spec.width / scale, image[0])
    height = min(spec.height / scale, image[1])
    left, upper = (image[0] - width) / 2, (image[1] - height) / 2
    return Placement(image, (left, upper, left + width, upper + height), (spec.width, spec.height))


def _letterbox(image: tuple[int, int], spec: InputSpec) -> Placement:
    scale = min(spec.width / image[0], spec.height / image[1])
    width, height = max(1, round(image[0] * scale)), max(1, round(image[1] * scale))
    corner = (spec.width - width) // 2, (spec.height - height) // 2
    return Placement(image, (0, 0, *image), (width, height), corner)


_PLACES = {Fit.STRETCH: _stretch, Fit.CROP: _crop, Fit.LETTERBOX: _letterbox}
