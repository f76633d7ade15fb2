"""One line that says what a number was measured on."""

import subprocess

from zoo import machine


def describe(*names: str) -> str:
    """Processor, cores, versions (of the packages ``names``, too) and commit."""
    commit = subprocess.check_output(["git", "describe", "--always", "--dirty"], text=True).strip()
    return f"{machine.describe(*names)}, tritonserver 2.51, commit {commit}"
