"""What a number was measured on, in one line."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")


def describe(*packages: str) -> str:
    """Processor, cores, and the versions of Python and of ``packages``."""
    versions = "".join(f", {name} {version(name)}" for name in packages)
    python = platform.python_version()
    return f"{_processor()}, {os.cpu_count()} cores, Python {python}{versions}"


def _processor() -> str:
    lines = CPUINFO.read_text().splitlines() if CPUINFO.exists() else []
    names = (line.partition(": ")[2] for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
