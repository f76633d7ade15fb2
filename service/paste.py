"""A detector's coarse mask to the pixels of the image that it covers."""

import numpy as np
from numpy.typing import NDArray

THRESHOLD = 0.5
FARTHEST = 2.0**40  # pixels; keeps the edges of an absurd frame within int64

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def runs(
    grid: NDArray[np.floating], frame: tuple[float, float, float, float], size: tuple[int, int]
) -> tuple[Integers, Integers]:
    """The covered pixels as runs [begin, end) of x · height + y, ascending and apart.

    They are the pixels over 0.5 of torchvision's `paste_masks_in_image`: the (h, w) probabilities
    get a border of zeros, the frame x1 y1 x2 y2 grows with them and is cut to whole pixels, then
    they are interpolated bilinearly (`align_corners=False`). ``size`` is the image's height, width.

    Down a column of pixels that is a straight line from one row of the grid to the next, which
    crosses 0.5 once at most. So the crossings are computed and not the pixels: the work is
    columns × rows of the grid, however high the image is.
    """
    height, width = size
    padded = np.pad(np.asarray(grid, dtype=np.float64), 1)
    rows, columns = padded.shape
    left, across = _grown(frame[0], frame[2], columns)
    upper, down = _grown(frame[1], frame[3], rows)
    x = np.arange(max(left, 0), min(left + across, width))
    lines = _interpolated(padded, (x - left + 0.5) * columns / across - 0.5)
    visible = max(-upper, 0), max(min(down, height - upper), 0)
    begins, ends = _inside(lines, down / rows, visible)
    base = (x * height + upper)[:, np.newaxis]
    return _joined((begins + base).ravel(), (ends + base).ravel())


def _grown(low: float, high: float, cells: int) -> tuple[int, int]:
    """First pixel and number of pixels of an axis, after a cell was added at either end."""
    half, middle = (high - low) / 2 * cells / (cells - 2), (high + low) / 2
    first, last = (
        int(edge) for edge in np.clip((middle - half, middle + half), -FARTHEST, FARTHEST)
    )
    return first, last - first + 1


def _interpolated(padded: Floats, at: Floats) -> Floats:
    """The columns of ``padded`` at the positions ``at``: (positions, rows)."""
    at = np.clip(at, 0, padded.shape[1] - 1)
    left = np.minimum(at.astype(np.int64), padded.shape[1] - 2)
    share = at - left
    lines: Floats = padded[:, left] * (1 - share) + padded[:, left + 1] * share
    return lines.T


def _inside(lines: Floats, step: float, visible: tuple[int, int]) -> tuple[Integers, Integers]:
    """Begin and end of the covered pixels between any two rows of the grid: (columns, rows - 1).

    Row k of the grid lies at the pixel (k + 0.5) · ``step`` - 0.5, counted from the frame's first.
    """
    above, below = lines[:, :-1], lines[:, 1:]
    rise = below - above
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (THRESHOLD - above) / rise
    share = np.where(rise == 0, np.where(above > THRESHOLD, -np.inf, np.inf), share)
    knots = np.arange(lines.shape[1])
    crossing = (knots[:-1] + share + 0.5) * step - 0.5
    first = np.clip(np.ceil((knots + 0.5) * step - 0.5), *visible)
    begins = np.where(rise >= 0, np.floor(crossing) + 1, -np.inf)
    ends = np.where(rise >= 0, np.inf, np.ceil(crossing))
    bounds = first[:-1], first[1:]
    return np.clip(begins, *bounds).astype(np.int64), np.clip(ends, *bounds).astype(np.int64)


def _joined(begins: Integers, ends: Integers) -> tuple[Integers, Integers]:
    """Without the empty runs; runs that touch become one."""
    filled = ends > begins
    begins, ends = begins[filled], ends[filled]
    apart = begins[1:] != ends[:-1]
    return begins[np.append(True, apart)[: len(begins)]], ends[np.append(apart, True)[: len(ends)]]
