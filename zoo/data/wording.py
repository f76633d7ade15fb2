"""Names that come from a user's disk and go into cards."""

from collections.abc import Iterable
from pathlib import Path

from zoo.data.errors import DataError


def refuse_unprintable(names: Iterable[str], place: Path) -> None:
    """Raise DataError for a name that no text file could hold, or not on one line."""
    for name in names:
        if not name.isprintable() or not name.strip():
            raise DataError(f"{place}: the class name {name!r} cannot be printed; rename it")
