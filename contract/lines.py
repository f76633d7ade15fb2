"""On which line of a TOML text each of its keys stands; the standard library does not tell."""

import re
import tomllib
from bisect import bisect
from collections.abc import Mapping

Path = tuple[str | int, ...]  # keys, and positions in arrays

BLANK = re.compile(r"(?:\s|#[^\n]*)*")
DOT = re.compile(r"[ \t]*\.?[ \t]*")
KEY = re.compile(r"""[\w-]+|"(?:[^"\\]|\\.)*"|'[^']*'""")
VALUE = re.compile(
    r""""{3}(?:[^\\]|\\.)*?"{3}(?!")|'{3}.*?'{3}(?!')"""  # up to two quotes may precede the last
    r"""|"(?:[^"\\]|\\.)*"|'[^']*'|[^\s,\]}#][^,\]}#\n]*""",
    re.DOTALL,
)


def lines(text: str) -> Mapping[Path, int]:
    """The line, from 1, of each table, key and item of an array.

    ``text`` is one that `tomllib` reads: nothing else is sure to come to an end.
    """
    return _Reader(text).places


def nearest(path: Path, places: Mapping[Path, int]) -> Path:
    """``path``, or what is nearest around it, of all that has a line; empty where nothing has."""
    while path and path not in places:
        path = path[:-1]
    return path


class _Reader:
    """Walks once over a text, remembering where keys stand."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._ends = [found.start() for found in re.finditer("\n", text)]
        self._lengths: dict[Path, int] = {}  # of arrays of tables
        self.places: dict[Path, int] = {}
        table: Path = ()
        while self._next() < len(text):
            if text.startswith("[", self._at):
                table = self._header()
            else:
                self._pair(table)

    def _next(self) -> int:
        """Where the next thing begins, behind white space and comments."""
        self._take(BLANK)
        return self._at

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        assert found is not None, f"no TOML at {self._at}"  # noqa: S101 - tomllib has read it
        self._at = found.end()
        return found[0]

    def _header(self) -> Path:
        line = self._line()
        several = self._text.startswith("[[", self._at)
        self._at += 1 + several
        path: Path = ()
        for key in self._keys():
            path = (*self._newest(path), key)
            self.places.setdefault(path, line)
        self._at += 1 + several
        if not several:
            self.places[path] = line  # better than where it was part of a longer name
            return self._newest(path)
        self._lengths[path] = self._lengths.get(path, 0) + 1
        self.places[self._newest(path)] = line
        return self._newest(path)

    def _newest(self, path: Path) -> Path:
        """Of an array of tables its last one, which is what a header means by its name."""
        return (*path, self._lengths[path] - 1) if path in self._lengths else path

    def _pair(self, path: Path) -> None:
        line = self._line()
        for key in self._keys():
            path = (*path, key)
            self.places.setdefault(path, line)
        self._at += 1  # the equals sign
        self._value(path)

    def _keys(self) -> list[str]:
        """The parts of a dotted key, and the space behind it."""
        keys = []
        self._take(DOT)
        while True:
            written = self._take(KEY)
            quoted = written[0] in "\"'"
            keys.append(tomllib.loads(f"key = {written}")["key"] if quoted else written)
            if "." not in self._take(DOT):
                return keys

    def _value(self, path: Path) -> None:
        opened = self._text[self._next()]
        if opened not in "[{":
            self._take(VALUE)
            return
        self._at += 1
        count = 0
        while (here := self._text[self._next()]) not in "]}":
            if here == ",":
                self._at += 1
            elif opened == "{":
                self._pair(path)
            else:
                self.places[(*path, count)] = self._line()
                self._value((*path, count))
                count += 1
        self._at += 1

    def _line(self) -> int:
        return bisect(self._ends, self._at - 1) + 1
