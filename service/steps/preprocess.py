"""Image and InputSpec to the tensor, and the Geometry that undoes the resize."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from contract.recipe import ColourOrder, Fit, InputSpec, Interpolation, Layout, Normalisation
from service.values import Geometry, Image, Prepared

FILTERS = {
    Interpolation.BILINEAR: PIL.Image.Resampling.BILINEAR,
    Interpolation.BICUBIC: PIL.Image.Resampling.BICUBIC,
}


@dataclass(frozen=True, slots=True)
class _Plan:
    """Which part of the image becomes how many pixels, and where they lie in the tensor."""

    box: tuple[float, float, float, float]  # left, upper, right, lower, in image pixels
    size: tuple[int, int]  # width, height
    corner: tuple[int, int] = (0, 0)


def preprocess(image: Image, spec: InputSpec) -> Prepared:
    """A (1, height, width, 3) uint8 tensor, or what else ``spec`` says; an Image always gives one.

    With Layout.NCHW it is (1, 3, height, width); with a normalisation it is float32.
    """
    plan = _PLANS[spec.fit](image, spec)
    pixels: NDArray[Any] = np.asarray(_place(image.picture, plan, spec))  # (H, W, 3)
    if spec.colour is ColourOrder.BGR:
        pixels = pixels[..., ::-1]
    if spec.normalisation is not None:
        pixels = _normalise(pixels, spec.normalisation)
    if spec.layout is Layout.NCHW:
        pixels = pixels.transpose(2, 0, 1)
    return Prepared(np.ascontiguousarray(pixels)[np.newaxis], _geometry(image, plan))


def _normalise(pixels: NDArray[np.uint8], by: Normalisation) -> NDArray[np.float32]:
    """(pixels × scale - mean) / std, as one multiplication and one subtraction."""
    std = np.array(by.std)
    levels = pixels.astype(np.float32)
    levels *= (by.scale / std).astype(np.float32)
    levels -= (np.array(by.mean) / std).astype(np.float32)
    return levels


def _place(picture: PIL.Image.Image, plan: _Plan, spec: InputSpec) -> PIL.Image.Image:
    if plan.size != picture.size or plan.box != (0, 0, *picture.size):
        picture = picture.resize(plan.size, FILTERS[spec.interpolation], box=plan.box)
    if plan.size == (spec.width, spec.height):
        return picture
    canvas = PIL.Image.new("RGB", (spec.width, spec.height), spec.fill)
    canvas.paste(picture, plan.corner)
    return canvas


def _stretch(image: Image, spec: InputSpec) -> _Plan:
    return _Plan((0, 0, image.width, image.height), (spec.width, spec.height))


def _crop(image: Image, spec: InputSpec) -> _Plan:
    """The part that would be left of the resized image, so that only this part is resized."""
    scale = (spec.shorter_side or spec.height) / min(image.width, image.height)
    width = min(spec.width / scale, image.width)
    height = min(spec.height / scale, image.height)
    left, upper = (image.width - width) / 2, (image.height - height) / 2
    return _Plan((left, upper, left + width, upper + height), (spec.width, spec.height))


def _letterbox(image: Image, spec: InputSpec) -> _Plan:
    scale = min(spec.width / image.width, spec.height / image.height)
    width, height = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    corner = (spec.width - width) // 2, (spec.height - height) // 2
    return _Plan((0, 0, image.width, image.height), (width, height), corner)


_PLANS = {Fit.STRETCH: _stretch, Fit.CROP: _crop, Fit.LETTERBOX: _letterbox}


def _geometry(image: Image, plan: _Plan) -> Geometry:
    left, upper, right, lower = plan.box
    scale_x, scale_y = plan.size[0] / (right - left), plan.size[1] / (lower - upper)
    return Geometry(
        scale_x=scale_x,
        scale_y=scale_y,
        offset_x=plan.corner[0] - left * scale_x,
        offset_y=plan.corner[1] - upper * scale_y,
        width=image.width,
        height=image.height,
    )
