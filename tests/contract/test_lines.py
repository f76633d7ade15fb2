"""Every key of a TOML text is found, however it is written."""

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.lines import Path, lines, nearest

TEXT = """\
# [no.table]
top = 1 # a = b

[routes.signs]   # a comment with ] in it
to = { "mbv2_simam@1" = 95, 'x y' = 5 }
fallback = [
    "a",  # [not.this]
    "b ] , }", "c",
]
[ routes . "with.dot \\u0041" ]
shadow . to = "b"
text = \"\"\"
[not.a.table]
a = 1 \\\\\\\"\"\" \"\"\"\"\"
literal = '''
b = 2 ''\\'''''
[routes.signs.shadow]
when = 1979-05-27 07:32:00Z
nested = [[1, [2]], [{ k = 1 }, { k . l = "," }]]

[[many]]
n = 1
[many.part]
[[many]]
[many.part]
m = inf
[[many.deep]]
[[many.deep]]
last = true"""

EXPECTED: dict[Path, int] = {
    ("top",): 2,
    ("routes",): 4,
    ("routes", "signs"): 4,
    ("routes", "signs", "to"): 5,
    ("routes", "signs", "to", "mbv2_simam@1"): 5,
    ("routes", "signs", "to", "x y"): 5,
    ("routes", "signs", "fallback"): 6,
    ("routes", "signs", "fallback", 0): 7,
    ("routes", "signs", "fallback", 1): 8,
    ("routes", "signs", "fallback", 2): 8,
    ("routes", "with.dot A"): 10,
    ("routes", "with.dot A", "shadow"): 11,
    ("routes", "with.dot A", "shadow", "to"): 11,
    ("routes", "with.dot A", "text"): 12,
    ("routes", "with.dot A", "literal"): 15,
    ("routes", "signs", "shadow"): 17,
    ("routes", "signs", "shadow", "when"): 18,
    ("routes", "signs", "shadow", "nested"): 19,
    ("routes", "signs", "shadow", "nested", 0): 19,
    ("routes", "signs", "shadow", "nested", 0, 0): 19,
    ("routes", "signs", "shadow", "nested", 0, 1): 19,
    ("routes", "signs", "shadow", "nested", 0, 1, 0): 19,
    ("routes", "signs", "shadow", "nested", 1): 19,
    ("routes", "signs", "shadow", "nested", 1, 0): 19,
    ("routes", "signs", "shadow", "nested", 1, 0, "k"): 19,
    ("routes", "signs", "shadow", "nested", 1, 1): 19,
    ("routes", "signs", "shadow", "nested", 1, 1, "k"): 19,
    ("routes", "signs", "shadow", "nested", 1, 1, "k", "l"): 19,
    ("many",): 21,
    ("many", 0): 21,
    ("many", 0, "n"): 22,
    ("many", 0, "part"): 23,
    ("many", 1): 24,
    ("many", 1, "part"): 25,
    ("many", 1, "part", "m"): 26,
    ("many", 1, "deep"): 27,
    ("many", 1, "deep", 0): 27,
    ("many", 1, "deep", 1): 28,
    ("many", 1, "deep", 1, "last"): 29,
}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_tables_keys_and_items_have_their_lines(end: str) -> None:
    text = TEXT.replace("\n", end)
    tomllib.loads(text)
    assert dict(lines(text)) == EXPECTED


def test_a_table_that_comes_after_its_parts_is_where_its_header_is() -> None:
    assert lines("[a.b]\n[a]\n")[("a",)] == 2


def test_what_is_not_there_is_where_its_surroundings_are() -> None:
    places = {("a",): 1, ("a", "b", 0): 3}
    assert nearest(("a", "b", 0, "c"), places) == ("a", "b", 0)
    assert nearest(("a", "b", 1), places) == ("a",)
    assert nearest(("c",), places) == ()


SCALARS = st.one_of(
    st.integers(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False), st.text()
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), TREES), st.data())
def test_whatever_there_is_is_found(document: dict[str, Any], data: st.DataObject) -> None:
    text = "".join(f"{_quoted(key)} = {_written(part, data)}\n" for key, part in document.items())
    assert tomllib.loads(text) == document
    assert set(lines(text)) == _paths(document, ())


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _written(part: Any, data: st.DataObject) -> str:
    if isinstance(part, dict):
        inside = (f"{_quoted(key)}={_written(one, data)}" for key, one in part.items())
        return f"{{ {', '.join(inside)} }}"
    if isinstance(part, list):
        gap = data.draw(st.sampled_from(["", " ", "\n", " # ] } ' \"\n"]))
        return f"[{gap}{f'{gap},{gap}'.join(_written(one, data) for one in part)}{gap}]"
    return _quoted(part) if isinstance(part, str) else json.dumps(part)


def _paths(part: Any, path: Path) -> set[Path]:
    if not isinstance(part, dict | list):
        return set()
    items = part.items() if isinstance(part, dict) else enumerate(part)
    return {found for key, one in items for found in {(*path, key)} | _paths(one, (*path, key))}
