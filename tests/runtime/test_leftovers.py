"""What a server left behind, as a killed one now and then does: not to be provoked, so played."""

import shutil
import subprocess
from pathlib import Path

from runtime import leftovers


def stub(folder: Path) -> subprocess.Popen[bytes]:
    """A process by a stub's name, in the folder of one run."""
    folder.mkdir()
    file = shutil.copy(shutil.which("sleep"), folder / "triton_python_backend_stub")
    return subprocess.Popen([file, "60"])


def test_the_stubs_of_one_run_are_killed_and_no_others(tmp_path):
    mine, other = stub(tmp_path / "fovea-triton-1-a"), stub(tmp_path / "fovea-triton-1-b")
    try:
        leftovers.kill_stubs("fovea-triton-1-a")
        assert mine.wait(5) < 0
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()
