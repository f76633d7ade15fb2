"""Parsed JSON to frozen dataclasses, led by their annotations.

Members that a class does not know are passed over, so that a newer gateway may say more; those that
have a default may be missing or null, so that an older one may say less.
"""

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from fovea._errors import UnexpectedAnswer

T = TypeVar("T")


def decode(kind: type[T], value: object, path: str) -> T:
    """``value``, which ``path`` names in messages, as an instance of the dataclass ``kind``.

    Raises:
        UnexpectedAnswer: a member is missing or of another type; the message has its path.
    """
    read: T = _read(kind, value, path)
    return read


def _read(kind: Any, value: Any, path: str) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):  # the only unions of an answer are `X | None`
        return None if value is None else _read(inner[0], value, path)
    if origin is tuple:
        return _tuple(inner, _expect(list, value, path), path)
    if origin is Mapping:
        items = _expect(dict, value, path).items()
        return {name: _read(inner[1], item, f"{path}.{name}") for name, item in items}
    if kind is Any:
        return value
    if is_dataclass(kind):
        return _dataclass(kind, _expect(dict, value, path), path)
    return _expect(kind, value, path)


def _tuple(inner: tuple[Any, ...], items: list[Any], path: str) -> tuple[Any, ...]:
    if inner[-1] is Ellipsis:
        inner = (inner[0],) * len(items)
    if len(items) != len(inner):
        raise UnexpectedAnswer(f"{path} has {len(items)} items, not {len(inner)}")
    return tuple(
        _read(kind, item, f"{path}[{position}]")
        for position, (kind, item) in enumerate(zip(inner, items, strict=True))
    )


def _dataclass(kind: Any, document: dict[str, Any], path: str) -> Any:
    members = {}
    for name, hint, optional in _members(kind):
        value = document.get(name)
        if value is not None:
            members[name] = _read(hint, value, f"{path}.{name}")
        elif not optional:
            raise UnexpectedAnswer(f"{path}.{name} is missing")
    return kind(**members)


@cache
def _members(kind: Any) -> tuple[tuple[str, Any, bool], ...]:
    """Name, type and whether there is a default, of each field."""
    hints = get_type_hints(kind)
    return tuple(
        (
            one.name,
            hints[one.name],
            one.default is not MISSING or one.default_factory is not MISSING,
        )
        for one in fields(kind)
    )


def _expect(kind: Any, value: Any, path: str) -> Any:
    """``value`` if it is of JSON's type for ``kind``; a whole number passes as a float."""
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise UnexpectedAnswer(f"{path} is of type {type(value).__name__}, not {kind.__name__}")
    return value
