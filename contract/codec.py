"""Recipe to JSON and back; an error names the field that is wrong."""

import json
import types
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields, is_dataclass
from enum import StrEnum
from typing import Any, Union, get_args, get_origin, get_type_hints

from contract.recipe import Layout, Recipe, RecipeError

# Fields younger than the first readers, which refuse what they do not know: written only where
# they say something.
YOUNGER = {"layout": Layout.NHWC, "normalisation": None, "macs": None}


def encode(recipe: Recipe) -> str:
    """Compact JSON of ``recipe``, keys in the order of the dataclasses; ``decode`` undoes it."""
    # What the model does not have is left out, for readers that do not know the field.
    parts = asdict(recipe).items()
    document = {
        name: _without_defaults(part) if isinstance(part, dict) else part
        for name, part in parts
        if part is not None and part is not False
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _without_defaults(part: dict[str, Any]) -> dict[str, Any]:
    return {name: item for name, item in part.items() if YOUNGER.get(name, ...) != item}


def decode(text: str) -> Recipe:
    """Read a recipe.

    Raises:
        RecipeError: ``text`` is no JSON, or a field is missing, unknown, of the wrong type or
            out of range; the message gives the field's path, such as ``input.height``.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise RecipeError(f"the recipe is not JSON: {error}") from None
    return read(document)


def read(document: object) -> Recipe:
    """The recipe that ``document`` describes, in the types of a parsed JSON text.

    Raises:
        RecipeError: as ``decode`` does.
    """
    recipe = _read(Recipe, document, "")
    assert isinstance(recipe, Recipe)  # noqa: S101 - tells mypy what _read(Recipe, …) returns
    return recipe


def _read(kind: Any, value: Any, path: str) -> Any:
    """``value`` as an instance of the type ``kind``, which may be any type a recipe uses."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):  # the only unions of a recipe are `X | None`
        return None if value is None else _read(inner[0], value, path)
    if origin is tuple:
        return _read_tuple(inner, value, path)
    if origin is Mapping:
        items = _expect(dict, value, path).items()
        return {key: _read(inner[1], item, f"{path}.{key}") for key, item in items}
    if is_dataclass(kind) and isinstance(kind, type):
        return _read_dataclass(kind, _expect(dict, value, path), path)
    if issubclass(kind, StrEnum):
        return _read_enum(kind, value, path)
    return _expect(kind, value, path)


def _read_tuple(inner: tuple[Any, ...], value: Any, path: str) -> tuple[Any, ...]:
    items = _expect(list, value, path)
    if inner[-1] is Ellipsis:
        inner = (inner[0],) * len(items)
    if len(items) != len(inner):
        raise RecipeError(f"{path} has {len(items)} items; it must have {len(inner)}")
    return tuple(
        _read(kind, item, f"{path}[{position}]")
        for position, (kind, item) in enumerate(zip(inner, items, strict=True))
    )


def _read_dataclass(kind: type, document: dict[str, Any], path: str) -> Any:
    hints = get_type_hints(kind)
    known = {field.name: field for field in fields(kind)}
    prefix = f"{path}." if path else ""
    for name in document.keys() - known.keys():
        raise RecipeError(f"{prefix}{name} is unknown; known here: {', '.join(known)}")
    for name, field in known.items():
        optional = field.default is not MISSING or field.default_factory is not MISSING
        if name not in document and not optional:
            raise RecipeError(f"{prefix}{name} is missing")
    values = {name: _read(hints[name], item, prefix + name) for name, item in document.items()}
    return kind(**values)


def _read_enum(kind: type[StrEnum], value: Any, path: str) -> StrEnum:
    try:
        return kind(value)
    except ValueError:
        raise RecipeError(f"{path} is {value!r}; it must be one of {', '.join(kind)}") from None


def _expect(kind: type, value: Any, path: str) -> Any:
    """``value`` if it is of JSON's type for ``kind``; a whole number passes as a float."""
    if kind is float and type(value) is int:
        return float(value)
    truth = isinstance(value, bool)  # which Python counts as an int
    if not isinstance(value, kind) or truth != (kind is bool):
        name = path or "the recipe"
        raise RecipeError(f"{name} is {value!r}; it must be of type {_JSON_NAMES[kind]}")
    return value


_JSON_NAMES = {
    dict: "object",
    list: "array",
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
}
