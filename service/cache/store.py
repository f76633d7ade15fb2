"""Results by their keys, bounded in bytes: the least recently used go first."""

from collections import OrderedDict

from service.cache.key import Key
from service.cache.sizes import size
from service.values import Result


class Store:
    """Holds ``most_bytes`` at most, by the estimate of `sizes`."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._entries: OrderedDict[Key, tuple[Result, int]] = OrderedDict()
        self.held_bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Key) -> Result | None:
        """The result of ``key``, which is then the most recently used; None if there is none."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def put(self, key: Key, result: Result) -> None:
        """Keep ``result`` in the place of what ``key`` had; not if it alone is too large."""
        self._discard(key)
        needed = size(result)
        if needed > self._most_bytes:
            return
        while self.held_bytes + needed > self._most_bytes:
            self._discard(next(iter(self._entries)))
        self._entries[key] = (result, needed)
        self.held_bytes += needed

    def drop(self, model: str) -> None:
        """Forget all that ``model`` has answered."""
        for key in [key for key in self._entries if key.model == model]:
            self._discard(key)

    def _discard(self, key: Key) -> None:
        _, held = self._entries.pop(key, (None, 0))
        self.held_bytes -= held
