"""Assemble the backend directory that a server of ours starts from."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from runtime.wheel import TritonWheel

OUR_BACKEND = Path(__file__).parent / "backends" / "pytorch"


@dataclass(frozen=True)
class Layout:
    """The two folders a server needs beside its repository."""

    backends: Path
    working: Path


def assemble(wheel: TritonWheel, root: Path) -> Layout:
    """Put the wheel's `python` backend and our `pytorch` under ``root``.

    Files are copied (3 MB), because Triton refuses a backend library whose real path is outside
    the backend directory.
    """
    layout = Layout(backends=root / "backends", working=root / "working")
    # Empty on purpose: the stub looks for `model` in the server's working directory first, and any
    # model.py lying there would be taken for the backend.
    layout.working.mkdir()
    python = layout.backends / "python"
    python.mkdir(parents=True)
    for part in (wheel.python_backend, wheel.python_utils, wheel.stub):
        shutil.copy(part, python)
    shutil.copytree(
        OUR_BACKEND, layout.backends / "pytorch", ignore=shutil.ignore_patterns("__pycache__")
    )
    return layout
