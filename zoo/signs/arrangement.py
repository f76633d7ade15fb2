"""What stands where in a scene: signs and other things, each in its zone, none hiding another."""

from collections.abc import Iterable, Iterator
from math import log
from typing import NamedTuple

import numpy as np

from zoo.signs.setting import ROAD, STREET, Painter, Setting, Spot, other

MOST_SIGNS = 6
MOST_OTHERS = 3
LARGEST = 0.7  # length of a thing, as a share of the scene's side
CROWDING = 0.1  # share of the smaller of two things that the other may cover
ATTEMPTS = 20  # to find room for a thing before it is left out


class Zone(NamedTuple):
    """A part of the scene with one setting; heights and lengths as shares of the side."""

    setting: Setting
    top: float
    bottom: float
    smallest: float  # length of a thing


class Thing(NamedTuple):
    """Something to paint; ``label`` is None for what is none of the five signs."""

    setting: Setting
    painter: Painter
    label: str | None
    spot: Spot


def arrange(rng: np.random.Generator, labels: tuple[str, ...], horizon: float) -> list[Thing]:
    """Things above and below the ``horizon`` (a share of the side), the far and small ones first.

    Up to six signs of any of ``labels``, seldom none, and up to three things that are no signs.
    """
    zones = (
        Zone(STREET, top=0.0, bottom=horizon + 0.1, smallest=0.12),
        Zone(ROAD, top=horizon, bottom=1.0, smallest=0.22),  # markings lie flat: longer than high
    )
    things: list[Thing] = []
    for zone, painter, label in _choice(rng, zones, labels):
        spot = _free_spot(rng, zone, [thing.spot for thing in things])
        if spot is not None:
            things.append(Thing(zone.setting, painter, label, spot))
    return sorted(things, key=lambda thing: thing.spot.size)


def _choice(
    rng: np.random.Generator, zones: tuple[Zone, Zone], labels: tuple[str, ...]
) -> Iterator[tuple[Zone, Painter, str | None]]:
    for _ in range(rng.binomial(MOST_SIGNS, 0.5)):
        label = labels[rng.integers(len(labels))]
        zone = next(zone for zone in zones if label in zone.setting.signs)
        yield zone, zone.setting.signs[label], label
    for _ in range(rng.integers(0, MOST_OTHERS + 1)):
        zone = zones[rng.random() < 0.3]
        yield zone, other(rng, zone.setting), None


def _free_spot(rng: np.random.Generator, zone: Zone, taken: Iterable[Spot]) -> Spot | None:
    """Somewhere in the zone where nothing else is, small sizes as likely as large ones."""
    largest = min(LARGEST, zone.bottom - zone.top)
    for _ in range(ATTEMPTS):
        size = float(np.exp(rng.uniform(log(zone.smallest), log(largest))))
        x = rng.uniform(size / 2, 1 - size / 2)
        y = rng.uniform(zone.top + size / 2, zone.bottom - size / 2)
        spot = Spot(x, y, size)
        if all(_covered(spot, one) <= CROWDING for one in taken):
            return spot
    return None


def _covered(one: Spot, two: Spot) -> float:
    """The share of the smaller one's square that lies in the other's."""
    reach = (one.size + two.size) / 2
    smaller = min(one.size, two.size)
    width = min(smaller, max(0.0, reach - abs(one.x - two.x)))
    height = min(smaller, max(0.0, reach - abs(one.y - two.y)))
    return width * height / smaller**2
