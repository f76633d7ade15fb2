"""Sets a drawn patch into a scene in perspective, and knows the tight box it then fills."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Quad = NDArray[np.float64]  # (4, 2): top left, top right, bottom right, bottom left; x then y

VISIBLE = 96  # alpha from which a pixel counts as part of the sign
DISTANCE = 3.0  # from the eye to the patch, in patch sides: how strong perspective is


class Box(NamedTuple):
    """A rectangle in pixels of the scene; the maximum edges are exclusive."""

    x_min: int
    y_min: int
    x_max: int
    y_max: int


class Placed(NamedTuple):
    """Something that was painted, and what of the scene it fills."""

    box: Box
    solid: Image.Image  # mode "L", of the scene's size: 255 where it is, 0 elsewhere


class Pose(NamedTuple):
    """How a patch is turned towards the eye, in radians."""

    roll: float  # in the image plane
    yaw: float  # about the upright axis
    pitch: float  # leaning back; a quarter turn lies flat


def quad(size: tuple[int, int], pose: Pose) -> Quad:
    """Corners of a patch of ``size`` (width, height) in this pose.

    Centred on the origin and scaled so that the longer side of its bounds is 1.
    """
    half = np.array(size, np.float64) / max(size) / 2
    x, y = (half * [(-1, -1), (1, -1), (1, 1), (-1, 1)]).T
    z = -y * np.sin(pose.pitch)
    y = y * np.cos(pose.pitch)
    z, x = z * np.cos(pose.yaw) - x * np.sin(pose.yaw), x * np.cos(pose.yaw) + z * np.sin(pose.yaw)
    cos, sin = np.cos(pose.roll), np.sin(pose.roll)
    flat = np.stack((x * cos - y * sin, x * sin + y * cos), axis=1)
    corners = flat / (DISTANCE + z)[:, None]
    low, high = corners.min(axis=0), corners.max(axis=0)
    scaled: Quad = (corners - (low + high) / 2) / (high - low).max()
    return scaled


def place(scene: Image.Image, patch: Image.Image, corners: Quad) -> Placed | None:
    """Paint the RGBA ``patch`` onto the RGB ``scene`` so that its corners land on ``corners``.

    Returns what is visible inside the scene, in a tight box, or None where nothing is.
    """
    left, top = np.floor(corners.min(axis=0)).astype(int).tolist()
    right, bottom = np.ceil(corners.max(axis=0)).astype(int).tolist()
    window = (right - left, bottom - top)
    warp = _homography(corners - (left, top), patch.size)
    warped = patch.transform(window, Image.Transform.PERSPECTIVE, warp, Image.Resampling.BILINEAR)
    scene.paste(warped, (left, top), warped)
    alpha = warped.getchannel("A").point(lambda alpha: 255 * (alpha >= VISIBLE))
    bounds = alpha.getbbox()
    if bounds is None:
        return None
    box = Box(
        max(left + bounds[0], 0),
        max(top + bounds[1], 0),
        min(left + bounds[2], scene.width),
        min(top + bounds[3], scene.height),
    )
    if box.x_min >= box.x_max or box.y_min >= box.y_max:
        return None
    solid = Image.new("L", scene.size)
    solid.paste(alpha, (left, top))
    return Placed(box, solid)


def _homography(corners: Quad, size: tuple[int, int]) -> list[float]:
    """The eight coefficients of Pillow's PERSPECTIVE: scene (x, y) to patch (u, v)."""
    width, height = size
    targets = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)
    rows, values = [], []
    for (x, y), (u, v) in zip(corners, targets, strict=True):
        rows += [(x, y, 1, 0, 0, 0, -u * x, -u * y), (0, 0, 0, x, y, 1, -v * x, -v * y)]
        values += [u, v]
    coefficients: list[float] = np.linalg.solve(rows, values).tolist()
    return coefficients
