"""The text of a routing file to what it says, or to everything that is wrong with it."""

import difflib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from contract.lines import Path, lines, nearest
from service.routing.spec import Auto, Route, Routes, Shadow, Thresholds

BARE = re.compile(r"[A-Za-z0-9_-]+")
AT = re.compile(r" \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")
SHOULD = {  # TOML's words for what pydantic calls by Python's
    "dict_type": "it should be a table",
    "frozen_set_type": "it should be an array",
    "model_type": "it should be a table",
    "tuple_type": "it should be an array",
}
LONGEST = 60  # characters of what the file says that are repeated
MOST = 20  # faults in one message


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, or odd, in a file."""

    reason: str
    line: int | None = None  # from 1; None: of the whole file
    path: str = ""  # of the key, as `routes.signs.to`

    def told(self, file: str) -> str:
        """``FILE:LINE: path: reason``, as compilers write it and editors read it."""
        where = file if self.line is None else f"{file}:{self.line}"
        return ": ".join(filter(None, (where, self.path, self.reason)))


class RoutesError(ValueError):
    """A routing file that cannot be used; the message has a line for each fault, but for many."""

    def __init__(self, file: str, *faults: Fault) -> None:
        self.faults = tuple(fault.told(file) for fault in faults)
        more = [f"and {len(faults) - MOST} more"] if len(faults) > MOST else []
        super().__init__("\n".join([*self.faults[:MOST], *more]))


def parse(text: str, file: str) -> Routes:
    """What ``text`` says, which came from the file of that name.

    Raises:
        RoutesError: with all that is wrong, in the file's order.
    """
    try:
        document = tomllib.loads(text)
    except RecursionError:
        raise RoutesError(file, Fault("it is not TOML: something is nested too deeply")) from None
    except ValueError as error:  # of the int in it, if that is too long
        raise RoutesError(file, _syntax(str(error), text)) from None
    try:
        return Routes.model_validate(document)
    except ValidationError as error:
        places = lines(text)
        faults = [_fault(item, document, places) for item in error.errors(include_url=False)]
        raise RoutesError(file, *sorted(faults, key=lambda fault: fault.line or 0)) from None


def _written(path: Path) -> str:
    """``path`` as in TOML, but for positions in arrays: ``routes.signs.to."a@1"``, ``a.b[0]``."""
    parts = [
        f"[{part}]"
        if isinstance(part, int)
        else f".{part if BARE.fullmatch(part) else _json(part)}"
        for part in path
    ]
    return "".join(parts).removeprefix(".")


def fault_at(path: Path, reason: str, places: Mapping[Path, int]) -> Fault:
    """The fault of what stands at ``path``, or of what is nearest around it in the file."""
    path = nearest(path, places)
    return Fault(reason, places.get(path), _written(path))


def _syntax(message: str, text: str) -> Fault:
    """What `tomllib` says, which has the line at its end."""
    found = AT.search(message)
    if found is None:
        return Fault(f"it is not TOML: {message}")
    reason = f"it is not TOML: {message[: found.start()]}"
    if found["line"] is None:
        return Fault(f"{reason}, and here the file ends", len(text.splitlines()))
    return Fault(f"{reason}, at column {found['column']}", int(found["line"]))


def _fault(item: Any, document: Mapping[str, Any], places: Mapping[Path, int]) -> Fault:
    path = _path(item["loc"], document)
    if item["type"] == "missing":
        reason = f"{path[-1]!r} is missing"
    elif item["type"] == "extra_forbidden":
        reason = _unknown(path)
    elif item["type"] == "value_error":
        reason = str(item["ctx"]["error"])
    else:
        should = SHOULD.get(item["type"]) or item["msg"].replace("Input", "it", 1)
        reason = f"{should}; it is {_json(item['input'])}"
    return fault_at(path, reason, places)


def _path(loc: Path, document: Any) -> Path:
    """``loc`` as the file has it: pydantic was given weights as a list, and targets in parts."""
    path: Path = ()
    for part in loc:
        if isinstance(document, dict) and isinstance(part, int):
            part = list(document)[part]  # noqa: PLW2901
        elif not isinstance(document, dict | list) or part == "[key]":
            break
        path = (*path, part)
        inside = document.get(part) if isinstance(document, dict) else document[part]
        document = inside
    return path


def _unknown(path: Path) -> str:
    known = sorted(_part(path[:-1]).model_fields)
    close = difflib.get_close_matches(str(path[-1]), known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}"
    return f"unknown key; {hint}"


def _part(path: Path) -> type[BaseModel]:
    """What the table ``path`` describes."""
    match path:
        case ():
            return Routes
        case ("auto", _):
            return Auto
        case ("routes", _):
            return Route
        case ("routes", _, "shadow"):
            return Shadow
        case _:
            return Thresholds


def _json(given: object) -> str:
    """``given`` as TOML writes it, or nearly so, cut to a length."""
    text = json.dumps(given, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
