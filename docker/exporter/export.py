"""Bring a model repository up to date with MODELS: export what is not there as it would be written.

    MODELS=a,b python export.py FOLDER

Beside each model it leaves ``.exported``: what the model was made of, and what was written, as
SHA-256. While both are as the file says, the model is left alone, so that the second start of a
stack takes no time. Other models in the folder are nobody's business here.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from shutil import rmtree

HERE = Path(__file__).parent
SOURCES = ("contract", "pixels", "zoo")
STAMP = ".exported"


def digest(paths: Iterable[Path]) -> str:
    """SHA-256 over the names and contents of ``paths``."""
    total = hashlib.sha256()
    for path in paths:
        total.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        total.update(path.read_bytes())
    return total.hexdigest()


def ingredients(name: str) -> str:
    """Of all that decides what the export of ``name`` looks like: code, weights, card, torch."""
    code = [file for folder in SOURCES for file in sorted((HERE / folder).rglob("*.py"))]
    weights = sorted((HERE / "zoo" / "weights").glob(f"{name}.*"))
    return f"{version('torch')} {digest([*code, *weights])}"


def state(folder: Path, made_of: str) -> str:
    """What ``.exported`` says if the files in ``folder`` are right."""
    written = sorted([folder / "config.pbtxt", *folder.glob("[1-9]*/*")])
    return f"{made_of} {digest(path for path in written if path.is_file())}\n"


def is_current(folder: Path, made_of: str) -> bool:
    """Whether ``folder`` holds what was written there, from just this."""
    stamp = folder / STAMP
    return stamp.is_file() and stamp.read_text() == state(folder, made_of)


def main(repository: Path, names: list[str]) -> int:
    """The exporter's exit status; 0 when every model is there."""
    made_of = {name: ingredients(name) for name in names}
    stale = [name for name in names if not is_current(repository / name, made_of[name])]
    for name in set(names) - set(stale):
        print(f"{name}: up to date")  # noqa: T201  a command's only output
    for name in stale:
        for folder in (repository / name).glob(".staging-*"):  # of an export that was killed
            rmtree(folder)
        command = [sys.executable, "-m", "zoo", "export", name, "--repository", str(repository)]
        if status := subprocess.run(command, cwd=HERE, check=False).returncode:  # noqa: S603
            return status
        stamp = repository / name / STAMP
        staged = stamp.with_suffix(".new")
        staged.write_text(state(repository / name, made_of[name]))
        staged.replace(stamp)
    return 0


if __name__ == "__main__":
    asked = os.environ.get("MODELS", "").replace(" ", "").split(",")
    sys.exit(main(Path(sys.argv[1]), [name for name in asked if name]))
