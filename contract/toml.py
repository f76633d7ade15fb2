"""A recipe written by hand, in TOML; an error names the field and its line."""

import re
import tomllib

from contract.codec import read
from contract.recipe import Recipe, RecipeError

TABLE = re.compile(r"\s*(\[\[?)\s*([\w.]+)\s*\]")
KEY = re.compile(r"\s*([\w.]+)\s*=")
PATH = re.compile(r"[\w.\[\]]+")  # with which the message of a RecipeError begins


def decode_toml(text: str) -> Recipe:
    """Read a recipe that has the fields of the JSON form, as in::

        task = "classification"
        labels = ["cat", "dog"]

        [input]
        name = "input"
        height = 224
        width = 224
        fit = "stretch"

        [[outputs]]
        name = "output"
        role = "logits"

    Raises:
        RecipeError: as `codec.decode`'s, with the line where the field stands.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:  # says the line itself
        raise RecipeError(f"it is not TOML: {error}") from None
    try:
        return read(document)
    except RecipeError as error:
        line = _line(str(error), _places(text))
        raise RecipeError(f"{error} (line {line})" if line else str(error)) from None


def _places(text: str) -> dict[str, int]:
    """The line of each table and of each key that begins a line, by path."""
    places: dict[str, int] = {}
    counts: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if found := TABLE.match(line):
            brackets, table = found.groups()
            places.setdefault(table, number)
            if brackets == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = f"{table}[{counts[table]}]"
                places[table] = number
        elif found := KEY.match(line):
            places.setdefault(f"{table}.{found[1]}".lstrip("."), number)
    return places


def _line(message: str, places: dict[str, int]) -> int | None:
    """The line of the field that ``message`` begins with, or of the table that lacks it."""
    found = PATH.match(message)
    path = found[0] if found else ""
    while path:
        if path in places:
            return places[path]
        path = re.sub(r"(^|\.)[^.\[]*$|\[\d+\]$", "", path)
    return None
