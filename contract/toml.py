"""A recipe written by hand, in TOML; an error names the field and its line."""

import re
import tomllib

from contract.codec import read
from contract.lines import Path, lines, nearest
from contract.recipe import Recipe, RecipeError

PATH = re.compile(r"[\w.\[\]]+")
PART = re.compile(r"\[(\d+)\]|(\w+)")


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
        places = lines(text)
        line = places.get(nearest(_path(str(error)), places))
        raise RecipeError(f"{error} (line {line})" if line else str(error)) from None


def _path(message: str) -> Path:
    """The field that the message of a RecipeError begins with."""
    found = PATH.match(message)
    parts = PART.findall(found[0]) if found else ()
    return tuple(int(position) if position else key for position, key in parts)
