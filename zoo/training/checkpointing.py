"""A run folder: what a training needs in order to go on after it was stopped; no pickles.

``state.safetensors`` holds the tensors of the last whole epoch, and in its header the settings and
the epochs, so that one rename replaces everything at once. ``run.json`` repeats settings and epochs
for readers, and ``curve.png`` draws them.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError, safe_open

from zoo.schedules import Course
from zoo.training.curve import draw_curve
from zoo.training.epochs import Epoch, finished
from zoo.training.progress import Progress

STATE = "state.safetensors"
LOG = "run.json"
CURVE = "curve.png"


class RunError(Exception):
    """A training cannot start or go on; the message says what to do instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFolder:
    """A folder that follows one training; with ``resume`` it goes on where the folder stopped."""

    path: Path
    about: Mapping[str, Any] = field(default_factory=dict)  # settings besides the course's
    resume: bool = False

    def open(self, progress: Progress, course: Course) -> None:
        """Bring ``progress`` to the last whole epoch in the folder, if that is wanted.

        Raises:
            RunError: the folder was started with other settings, cannot be read, or holds an
                unfinished training that would be lost.
        """
        file = self.path / STATE
        if not file.exists():
            return
        try:
            with safe_open(file, "pt") as state:
                document = json.loads(state.metadata()["run"])
            epochs = [Epoch(**epoch) for epoch in document["epochs"]]
            if self.resume:
                self._refuse_other(document["settings"], course)
                progress.restore(safetensors.torch.load_file(file), epochs)
            elif not document["finished"]:
                raise RunError(
                    f"{self.path} holds an unfinished training, {len(epochs)} epochs of "
                    f"{document['settings']['epochs']}; go on with --resume, or delete the folder"
                )
        except (SafetensorError, ValueError, TypeError, KeyError) as error:
            raise RunError(f"{file} is no state of a training ({error!r}); delete it") from error

    def write(self, progress: Progress, course: Course) -> None:
        """Replace the folder's files by those of the epochs so far."""
        document = {
            "settings": self._settings(course),
            "finished": finished(progress.epochs, course),
            "epochs": [asdict(epoch) for epoch in progress.epochs],
        }
        tensors = {name: value.cpu().contiguous() for name, value in progress.tensors().items()}
        self.path.mkdir(parents=True, exist_ok=True)
        content = safetensors.torch.save(tensors, {"run": json.dumps(document)})
        _replace(self.path / STATE, content)
        _replace(self.path / LOG, (json.dumps(document, indent=2) + "\n").encode())
        _replace(self.path / CURVE, draw_curve(progress.epochs))

    def _settings(self, course: Course) -> dict[str, Any]:
        """As JSON has them, so that those of a file compare equal."""
        settings: dict[str, Any] = json.loads(json.dumps(dict(self.about) | asdict(course)))
        return settings

    def _refuse_other(self, there: Mapping[str, Any], course: Course) -> None:
        asked = self._settings(course)
        differing = [
            f"{name} is {there.get(name)} there and {asked.get(name)} now"
            for name in sorted(there.keys() | asked.keys())
            if there.get(name) != asked.get(name)
        ]
        if differing:
            raise RunError(
                f"{self.path} was started with other settings: {'; '.join(differing)}; "
                "resume with the same ones, or train in another folder"
            )


def _replace(file: Path, content: bytes) -> None:
    """Whole or not at all, whatever ends the process or the machine meanwhile."""
    part = file.with_name(f"{file.name}.part")
    with part.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    part.replace(file)
