"""Recipes for models that carry none, from one folder of TOML files that may change at any time."""

import logging
from dataclasses import dataclass, field
from pathlib import Path

from contract.recipe import Recipe, RecipeError
from contract.toml import decode_toml

LARGEST_BYTES = 1_000_000

log = logging.getLogger(__name__)

Stamp = tuple[int, int]  # when it was written, in nanoseconds, and how long it is


@dataclass(frozen=True, slots=True)
class Given:
    """What the file of one model says."""

    stamp: Stamp
    recipe: Recipe | None  # the last one that could be used
    fault: str = ""  # of the file as it is now


@dataclass
class RecipeFolder:
    """NAME.toml is the recipe of the model NAME; a wrong file leaves the recipe before it."""

    folder: Path | None = None  # None: nobody gave one
    _given: dict[str, Given] = field(default_factory=dict)

    def of(self, model: str) -> Given | None:
        """What there is for ``model``, as of the last look."""
        return self._given.get(model)

    def refresh(self) -> None:
        """Read what is new or has changed; never raises."""
        if self.folder is None:
            return
        try:
            stamps = {path: _stamp(path) for path in self.folder.glob("*.toml")}
        except OSError as error:  # of a folder that is being replaced
            log.warning("the recipes could not be listed: %s", error)
            return
        given = {path.stem: self._look(path, stamp) for path, stamp in stamps.items()}
        self._given = given

    def _look(self, path: Path, stamp: Stamp) -> Given:
        before = self._given.get(path.stem)
        if before is not None and before.stamp == stamp:
            return before
        try:
            recipe = _read(path, stamp)
        except (RecipeError, OSError, UnicodeDecodeError) as error:
            fault = f"{path.name}: {error}"
            log.warning("a recipe is wrong: %s", fault)
            return Given(stamp, before.recipe if before else None, fault)
        log.info("recipe read: %s", path.name)
        return Given(stamp, recipe)


def _stamp(path: Path) -> Stamp:
    status = path.stat()
    return status.st_mtime_ns, status.st_size


def _read(path: Path, stamp: Stamp) -> Recipe:
    if stamp[1] > LARGEST_BYTES:
        raise RecipeError(f"it has {stamp[1]} bytes; {LARGEST_BYTES} are allowed")
    return decode_toml(path.read_text())
