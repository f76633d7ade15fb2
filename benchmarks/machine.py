"""One line that says what a number was measured on."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path


def describe(*names: str) -> str:
    """Processor, cores, versions (of the packages ``names``, too) and commit."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    processor = next(line.split(": ")[1] for line in lines if line.startswith("model name"))
    commit = subprocess.check_output(["git", "describe", "--always", "--dirty"], text=True).strip()
    packages = "".join(f", {name} {version(name)}" for name in names)
    return (
        f"{processor}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"tritonserver 2.51{packages}, commit {commit}"
    )
