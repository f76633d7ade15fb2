"""One crop: a class, a setting that fits it, a sign set into it, and what gets in the way."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from zoo.signs import discs, distractors, markings
from zoo.signs.backdrop import foliage, road, street
from zoo.signs.lights import Lamp, traffic_light
from zoo.signs.paint import GREY, any_colour, tint
from zoo.signs.placement import Box, Pose, place, quad

Painter = Callable[[np.random.Generator], Image.Image]


class Setting(NamedTuple):
    """Where a crop is taken, what is found there, and how it stands towards the camera."""

    backdrop: Callable[[np.random.Generator, int, int], Image.Image]
    signs: Mapping[str, Painter]
    others: tuple[Painter, ...]  # things that are none of the five signs
    smallest: float  # length of the subject, as a share of the crop's side
    poles: float  # share of things that stand on a pole
    pose: Callable[[np.random.Generator], Pose]


class Spot(NamedTuple):
    """A place in a crop; all three as shares of the crop's side."""

    x: float  # of the centre
    y: float
    size: float  # longer side of the bounds


def _upright(rng: np.random.Generator) -> Pose:
    return Pose(roll=rng.normal(0, 0.12), yaw=rng.normal(0, 0.4), pitch=0.0)


def _flat(rng: np.random.Generator) -> Pose:
    return Pose(roll=rng.normal(0, 0.12), yaw=rng.normal(0, 0.13), pitch=rng.uniform(0.7, 1.25))


STREET = Setting(
    backdrop=street,
    signs={
        "red_traffic_light": partial(traffic_light, lit=Lamp.RED),
        "no_driving_sign": discs.no_driving,
        "no_parking_sign": discs.no_parking,
    },
    others=(
        partial(traffic_light, lit=Lamp.GREEN),
        partial(traffic_light, lit=Lamp.AMBER),
        partial(traffic_light, lit=Lamp.NONE),
        discs.no_stopping,
        discs.speed_limit,
        discs.no_entry,
        discs.mandatory,
        discs.end_of_limits,
        distractors.warning_triangle,
        distractors.stop_sign,
        distractors.plate,
        distractors.logo,
        distractors.tail_lights,
    ),
    smallest=0.25,
    poles=0.6,
    pose=_upright,
)
ROAD = Setting(
    backdrop=road,
    signs={
        "straight_arrow": markings.straight_arrow,
        "left_arrow": markings.left_arrow,
    },
    others=(
        markings.right_arrow,
        markings.straight_or_right_arrow,
        markings.dashes,
        markings.zebra,
        markings.digits,
    ),
    smallest=0.35,  # lying flat, a marking is far less high than long
    poles=0.0,
    pose=_flat,
)


def draw_crop(rng: np.random.Generator, label: str, side: int) -> Image.Image:
    """A clean drawing of ``side`` × ``side`` pixels whose subject is ``label``.

    A label that no setting knows is background: something else, or one time in six nothing.
    """
    setting = _setting(rng, label)
    scene = setting.backdrop(rng, side, side)
    if rng.random() < 0.3:
        _set(rng, setting, scene, _other(rng, setting), _spot(rng, 0.15, 0.4, spill=0.15))
    subject = setting.signs.get(label)
    if subject is None:
        if rng.random() < 1 / 6:
            return scene
        subject = _other(rng, setting)
    box = _set(rng, setting, scene, subject, _spot(rng, setting.smallest, 1.0, spill=0.02))
    if box is not None and rng.random() < 0.4:
        _occlude(rng, scene, box)
    return scene


def _setting(rng: np.random.Generator, label: str) -> Setting:
    for setting in (STREET, ROAD):
        if label in setting.signs:
            return setting
    return ROAD if rng.random() < 0.35 else STREET


def _other(rng: np.random.Generator, setting: Setting) -> Painter:
    return setting.others[rng.integers(len(setting.others))]


def _spot(rng: np.random.Generator, smallest: float, largest: float, *, spill: float) -> Spot:
    """Somewhere in the crop, over its edge by at most the share ``spill``."""
    size = rng.uniform(smallest, largest)
    reach = 0.5 + spill - size / 2
    x, y = rng.uniform(0.5 - reach, 0.5 + reach, 2).tolist()
    return Spot(x, y, size)


def _set(
    rng: np.random.Generator, setting: Setting, scene: Image.Image, painter: Painter, spot: Spot
) -> Box | None:
    """Draw one thing and put it in its spot; its tight box, if any of it is seen."""
    patch = painter(rng)
    corners = quad(patch.size, setting.pose(rng)) * spot.size + (spot.x, spot.y)
    if rng.random() < setting.poles:
        _pole(rng, scene, spot)
    return place(scene, patch, corners * scene.width)


def _pole(rng: np.random.Generator, scene: Image.Image, spot: Spot) -> None:
    top = spot.x * scene.width
    foot = top + rng.normal(0, 0.05) * scene.width
    line = (top, spot.y * scene.height, foot, scene.height)
    thickness = max(2, round(0.08 * spot.size * scene.width))
    ImageDraw.Draw(scene).line(line, tint(rng, GREY, 24), thickness)


def _occlude(rng: np.random.Generator, scene: Image.Image, box: Box) -> None:
    """Cover up to a third of the box with leaves, a bar, or something large from below."""
    draw = ImageDraw.Draw(scene)
    width, height = box.x_max - box.x_min, box.y_max - box.y_min
    share = rng.uniform(0.1, 0.33)
    match rng.integers(3):
        case 0:
            x = rng.choice((box.x_min, box.x_max))
            foliage(rng, draw, x, rng.uniform(box.y_min, box.y_max), 2 * share * width)
        case 1:
            x = rng.uniform(box.x_min, box.x_max)
            slant = rng.normal(0, 0.3) * width
            thickness = max(1, round(share * width / 2))
            draw.line((x, 0, x + slant, scene.height), any_colour(rng), thickness)
        case _:
            edge = box.y_max - share * height
            draw.rectangle((0, edge, scene.width, scene.height), fill=any_colour(rng))
