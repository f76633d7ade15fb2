"""The quota of a container counts, not the machine it runs on."""

import os
from pathlib import Path

import pytest

from service.cores import usable_cores

MACHINE = len(os.sched_getaffinity(0))


def root(folder: Path, **files: str) -> Path:
    """A file system with these files; `__` in a name stands for a slash."""
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("cpu_", "cpu.", 1)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize(
    ("quota", "cores"),
    [("max 100000", MACHINE), ("50000 100000", 1), ("100000 100000", 1), ("1 100000", 1),
     ("150000 100000", min(2, MACHINE)), ("99900000 100000", MACHINE), ("", MACHINE),
     ("nonsense", MACHINE)],
)  # fmt: skip
def test_version_2(tmp_path: Path, quota: str, cores: int) -> None:
    files = {"proc__self__cgroup": "0::/\n", "sys__fs__cgroup__cpu_max": f"{quota}\n"}
    assert usable_cores(root(tmp_path, **files)) == cores


@pytest.mark.parametrize(
    ("quota", "cores"), [("-1", MACHINE), ("50000", 1), ("150000", min(2, MACHINE))]
)
def test_version_1(tmp_path: Path, quota: str, cores: int) -> None:
    group = tmp_path / "sys/fs/cgroup/cpu/pod/one"
    group.mkdir(parents=True)
    (group / "cpu.cfs_quota_us").write_text(quota)
    (group / "cpu.cfs_period_us").write_text("100000")
    root(tmp_path, proc__self__cgroup="5:cpu,cpuacct:/pod/one\n4:memory:/pod/one\n")
    assert usable_cores(tmp_path) == cores


def test_the_narrowest_of_the_groups_rules(tmp_path: Path) -> None:
    for path, quota in (("a", "50000 100000"), ("a/b", "max 100000")):
        group = tmp_path / "sys/fs/cgroup" / path
        group.mkdir(parents=True)
        (group / "cpu.max").write_text(quota)
    root(tmp_path, proc__self__cgroup="0::/a/b\n")
    assert usable_cores(tmp_path) == 1


def test_without_groups_the_machine_counts(tmp_path: Path) -> None:
    assert usable_cores(tmp_path) == MACHINE
