"""Which images are trained on, selected on and tested on."""

from collections.abc import Collection
from pathlib import Path

import numpy as np

from zoo.data.errors import DataError
from zoo.signs.dataset import Split

NAMES = {  # of a folder, or of a file without its ending
    Split.TRAIN: ("train",),
    Split.VALIDATION: ("validation", "val", "valid"),
    Split.TEST: ("test",),
}
SHARE = 0.15  # of everything; so much is for validation, and as much for the test


def find_parts(root: Path, ending: str = "") -> dict[Split, Path]:
    """The parts that ``root`` comes in, called as in NAMES; those that are missing are left out.

    Raises:
        DataError: one part is there under two names.
    """
    parts: dict[Split, Path] = {}
    for split, names in NAMES.items():
        found = [path for path in (root / f"{name}{ending}" for name in names) if path.exists()]
        if len(found) > 1:
            said = " and ".join(path.name for path in found)
            raise DataError(f"{root} has {said}, which mean the same: keep one")
        if found:
            parts[split] = found[0]
    return parts


def draw(
    count: int, seed: int, wanted: Collection[Split], *, stream: int = 0
) -> dict[Split, list[int]]:
    """Deal ``count`` images: SHARE to each part that is ``wanted``, but at least one, the rest
    to the training. Nothing but the four numbers decides; parts are in ascending order.

    Raises:
        ValueError: fewer images than parts.
    """
    if count <= len(wanted):
        raise ValueError(f"{count} images are too few for {len(wanted) + 1} parts")
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(stream,)))
    order = rng.permutation(count).tolist()
    size = max(1, round(SHARE * count))
    parts: dict[Split, list[int]] = {}
    for split in sorted(wanted):
        parts[split], order = sorted(order[:size]), order[size:]
    return parts | {Split.TRAIN: sorted(order)}
