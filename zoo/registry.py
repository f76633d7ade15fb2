"""A table of named things that refuses duplicates and explains unknown names."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Generic, TypeVar

Item = TypeVar("Item")


class UnknownNameError(LookupError):
    """No entry of that name; the message lists what there is and the nearest match."""


class DuplicateNameError(ValueError):
    """Two entries want one name."""


class Table(Generic[Item]):
    """Names and what they stand for, in the order of entry.

    Args:
        kind: the noun of its errors.
        names: how the names are formed, for an error to say where they are too many to list.
    """

    def __init__(self, kind: str, *, names: str | None = None) -> None:
        self.kind = kind
        self.names = names
        self._items: dict[str, Item] = {}

    def add(self, name: str, item: Item) -> None:
        """Enter ``item`` as ``name``; DuplicateNameError if the name is taken."""
        if name in self._items:
            raise DuplicateNameError(
                f"the {self.kind} {name!r} exists already; choose another name"
            )
        self._items[name] = item

    def __getitem__(self, name: str) -> Item:
        if name not in self._items:
            raise UnknownNameError(self._explain(name))
        return self._items[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def _explain(self, name: str) -> str:
        near = get_close_matches(name, self._items, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        names = self.names or f"There are: {', '.join(self._items)}."
        return f"there is no {self.kind} {name!r}.{hint} {names}"
