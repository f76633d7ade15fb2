"""How many processor cores this process may really use."""

import math
import os
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")


def usable_cores() -> int:
    """The cores of our affinity mask, fewer where a control group grants less time."""
    quota = cpu_quota(CGROUPS, Path("/proc/self/cgroup").read_text())
    return math.ceil(min(len(os.sched_getaffinity(0)), quota))


def cpu_quota(cgroups: Path, membership: str) -> float:
    """Cores' worth of time that control groups grant; infinite without a limit.

    ``membership`` is the text of /proc/self/cgroup: lines of `id:controllers:path`. Version 2
    has no controllers on its line and keeps `<quota> <period>` in cpu.max; version 1 keeps both in
    files of their own. A parent's limit binds too, so every folder up to the root is read.
    """
    limits = [math.inf]
    for line in membership.splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        root = cgroups / "cpu" if controllers else cgroups
        group = root / path.lstrip("/")
        above = [folder for folder in (group, *group.parents) if folder.is_relative_to(root)]
        limits += [_limit_of(folder) for folder in above]
    return min(limits)


def _limit_of(group: Path) -> float:
    """The limit one control group states, in cores."""
    if (group / "cpu.max").exists():
        quota, period = (group / "cpu.max").read_text().split()
    elif (group / "cpu.cfs_quota_us").exists():
        quota = (group / "cpu.cfs_quota_us").read_text().strip()
        period = (group / "cpu.cfs_period_us").read_text()
    else:
        return math.inf
    return math.inf if quota in ("max", "-1") else int(quota) / int(period)
