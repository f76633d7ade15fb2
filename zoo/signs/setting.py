"""The two settings of the task, what is found in each, and how a thing is put into a picture."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from zoo.signs import discs, distractors, markings
from zoo.signs.backdrop import road, street
from zoo.signs.lights import Lamp, traffic_light
from zoo.signs.paint import GREY, tint
from zoo.signs.placement import Placed, Pose, place, quad

Painter = Callable[[np.random.Generator], Image.Image]


class Setting(NamedTuple):
    """Where a picture is taken, what is found there, and how it stands towards the camera."""

    backdrop: Callable[[np.random.Generator, int, int], Image.Image]
    signs: Mapping[str, Painter]
    others: tuple[Painter, ...]  # things that are none of the five signs
    smallest: float  # length of the subject, as a share of a crop's side
    poles: float  # share of things that stand on a pole
    pose: Callable[[np.random.Generator], Pose]


class Spot(NamedTuple):
    """A place in a picture; all three as shares of its side."""

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


def other(rng: np.random.Generator, setting: Setting) -> Painter:
    """Anything of the setting that is none of the five signs."""
    return setting.others[rng.integers(len(setting.others))]


def put(
    rng: np.random.Generator, setting: Setting, scene: Image.Image, painter: Painter, spot: Spot
) -> Placed | None:
    """Draw one thing and put it in its spot; None if nothing of it is seen."""
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
