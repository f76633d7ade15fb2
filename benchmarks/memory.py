"""Memory of a server's processes over a long run, and whether it grows."""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import psutil

from benchmarks.processes import family, resident_mib

SETTLING = 0.2  # of the run: arenas and caches fill
PER = 100_000  # requests, for slopes


@dataclass(frozen=True, slots=True)
class Sighting:
    """Resident memory, by process, after so many requests."""

    requests: int
    mib: dict[str, float]  # those of one name together
    descriptors: int  # open files and sockets of all of them

    @property
    def total_mib(self) -> float:
        """Of all the processes."""
        return sum(self.mib.values())


def look(root: psutil.Process, requests: int) -> Sighting:
    """What ``root`` and its children hold now."""
    mib: defaultdict[str, float] = defaultdict(float)
    descriptors = 0
    for one in family(root):
        with suppress(psutil.NoSuchProcess):  # it ended since
            mib[_name(one)] += resident_mib(one)
            descriptors += one.num_fds()
    return Sighting(requests, {name: round(size, 2) for name, size in mib.items()}, descriptors)


def names(root: psutil.Process) -> dict[int, str]:
    """``root`` and its children by process id."""
    found = {}
    for one in family(root):
        with suppress(psutil.NoSuchProcess):
            found[one.pid] = _name(one)
    return found


def _name(process: psutil.Process) -> str:
    """`service` or `runtime` for our own modules, else the program's name."""
    words = process.cmdline()
    return words[words.index("-m") + 1] if "-m" in words else process.name()


def slope_mib(sightings: Sequence[Sighting]) -> float:
    """Growth by least squares, in MiB for PER requests, once memory has settled.

    Raises:
        ValueError: fewer than two sightings are left.
    """
    settled = [one for one in sightings if one.requests >= SETTLING * sightings[-1].requests]
    if len(settled) < 2:
        raise ValueError(f"{len(sightings)} sightings are too few for a slope")
    requests = np.array([one.requests for one in settled], np.float64)
    growth, _ = np.polyfit(requests, [one.total_mib for one in settled], 1)
    return float(growth) * PER
