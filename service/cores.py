"""How many threads can run at once: the affinity mask, and the CPU quota of the control group.

In a container the machine's cores are all visible while a quota lets only some of them run; more
threads than that would be stopped for the rest of each period.
"""

import math
import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/")


def usable_cores(root: Path = ROOT) -> int:
    """At least 1; a part of a core counts as one. ``root`` is where /proc and /sys are."""
    affinity = len(os.sched_getaffinity(0))
    return min([affinity, *(max(1, math.ceil(quota)) for quota in _quotas(root))])


def _quotas(root: Path) -> Iterator[float]:
    """Cores that each of the control groups we are in may use; the narrowest one rules."""
    mount = root / "sys/fs/cgroup"
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:  # version 2
            for group in _upwards(mount, path):
                quota, _, period = _text(group / "cpu.max").partition(" ")
                yield from _cores(quota, period)
        elif "cpu" in controllers.split(","):  # version 1
            for group in _upwards(mount / "cpu", path):
                quota, period = (
                    _text(group / f"cpu.cfs_{name}_us") for name in ("quota", "period")
                )
                yield from _cores(quota, period)


def _upwards(mount: Path, path: str) -> Iterator[Path]:
    """The group and those it is in; inside a container the group may itself be the mount."""
    group = mount / path.strip("/")
    yield group
    while group != mount and ".." not in group.parts:
        group = group.parent
        yield group


def _cores(quota: str, period: str) -> Iterator[float]:
    """None where there is no quota: `max` in version 2, -1 in version 1."""
    if quota.strip().isdigit() and period.strip().isdigit() and int(period) > 0:
        yield int(quota) / int(period)


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
