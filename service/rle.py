"""Runs of pixels to COCO's compressed run lengths, as pycocotools writes them.

Source: `rleToString` of github.com/cocodataset/cocoapi, common/maskApi.c.
"""

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


def compress(begins: Integers, ends: Integers, size: int) -> str:
    """The runs [begins[i], ends[i]) out of ``size`` pixels, ascending and apart, as ASCII.

    Each count, from the third on less the count two before, is cut into five bits a character,
    lowest first; bit 5 says that more follow, and adding 48 makes it printable.
    """
    rest = _differences(_counts(begins, ends, size))
    written = []  # (counts, 2) pairs: the character, and whether this count has come to an end
    going = np.ones(len(rest), dtype=bool)
    while going.any():
        low = rest & 31
        rest = rest >> 5  # keeps the sign
        more = going & (rest != np.where(low & 16, -1, 0))
        written.append((np.where(going, low + 32 * more + 48, 0), going))
        going = more
    characters, valid = (np.stack(column, axis=1) for column in zip(*written, strict=True))
    return bytes(characters[valid].tolist()).decode("ascii")


def _counts(begins: Integers, ends: Integers, size: int) -> Integers:
    """Lengths of the runs: background first, even if empty; then object, background, …"""
    edges = np.stack([begins, ends], axis=1).ravel()
    counts = np.diff(edges, prepend=0, append=size)
    return counts[:-1] if len(counts) > 1 and counts[-1] == 0 else counts


def _differences(counts: Integers) -> Integers:
    differences = counts.copy()
    differences[3:] -= counts[1:-2]
    return differences
