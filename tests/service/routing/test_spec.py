"""What a routing file may say, and what is said to one that says something else."""

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from contract.recipe import Task
from service.decision import Reason
from service.routing.parse import MOST, RoutesError, parse
from service.routing.spec import Auto, Route, Routes, Shadow, Target, Thresholds

PAGE = (Path(__file__).parents[3] / "docs/routing.md").read_text()
EXAMPLE = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[0]
SIGNS = '[routes.signs]\nto = { "a@1" = 95, "b" = 5 }\n'


def faults(text: str) -> list[str]:
    with pytest.raises(RoutesError) as raised:
        parse(text, "f")
    return list(raised.value.faults)


def test_the_example_of_the_page_is_right_and_has_everything() -> None:
    routes = parse(EXAMPLE, "example")
    assert routes.defaults[Task.CLASSIFICATION] == "signs"
    assert [(str(one.target), one.weight) for one in routes.routes["production"].to] == [
        ("mbv2_simam", 1)
    ]
    signs = routes.routes["signs"]
    assert [(str(one.target), one.weight) for one in signs.to] == [
        ("mbv2_simam@1", 95),
        ("mbv2_cbam", 5),
    ]
    assert signs.fallback == (Target(model="mbv2_eca"), Target(model="mbv2_none"))
    assert signs.shadow is not None
    for part in (signs, signs.shadow, signs.shadow.thresholds, routes.auto[Task.CLASSIFICATION]):
        assert part.model_fields_set == set(type(part).model_fields)


@pytest.mark.parametrize(
    ("heading", "part"),
    [
        ("## [routes.NAME]", Route),
        ("## [routes.NAME.shadow]", Shadow),
        ("## [routes.NAME.shadow.thresholds]", Thresholds),
        ("## The policy", Auto),
    ],
)
def test_the_page_has_every_key_with_its_default(heading: str, part: type[BaseModel]) -> None:
    section = PAGE.partition(f"{heading}\n")[2].partition("\n## ")[0]
    told = dict(re.findall(r"^\| `(\w+)` \| [^|]* \| `?([^|`]*)`? \|", section, re.MULTILINE))
    written = {name: _written(field.default) for name, field in part.model_fields.items()}
    assert told == written


def _written(default: Any) -> str:
    if isinstance(default, bool | int | float):
        return json.dumps(default)
    if isinstance(default, frozenset):
        return json.dumps(list(Reason))
    named = {PydanticUndefined: "must be given", None: "none", (): "[]"}
    return named.get(default, "the defaults")


def test_what_is_left_out_has_a_default() -> None:
    route = parse(SIGNS, "f").routes["signs"]
    assert route.fallback_when == frozenset(Reason)
    assert (route.fallback, route.shadow) == ((), None)
    assert parse("# nothing", "f") == Routes()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[routes.signs\n", "f:1: it is not TOML: Expected ']' .*, at column 14"),
        ("a = 1\n\nb = [1,\n", "f:3: it is not TOML: .*, and here the file ends"),
        (SIGNS + SIGNS, "f:3: it is not TOML: Cannot declare .* twice"),
        ("a = " + "[" * 5000, "f: it is not TOML: something is nested too deeply"),
        ("a = " + "9" * 5000, "f: it is not TOML: Exceeds the limit"),
        ("[rutes]", r"f:1: rutes: unknown key; did you mean 'routes'\?"),
        ("[zzz]", "f:1: zzz: unknown key; there are auto, defaults, routes"),
        (SIGNS + "falback = []", r"f:3: routes\.signs\.falback: .* did you mean 'fallback'\?"),
        (SIGNS + "shadow.shar = 1\nshadow.to = 'c'", r"f:3: .*\.shadow\.shar: .* 'share'\?"),
        (SIGNS + "shadow.thresholds.min_agree = 1\nshadow.to = 'c'", ".* 'min_agreement'"),
        ("[auto.detection]\nmodels = ['a']\nmodel = 1", "f:3: auto.detection.model: .*'models'"),
        ("[routes.signs]\n", "f:1: routes.signs: 'to' is missing"),
        ("routes = 3", "f:1: routes: it should be a table; it is 3"),
        ("routes.signs = 'a'", 'f:1: routes.signs: it should be a table; it is "a"'),
        ("[routes.s]\nto = 3", "f:2: routes.s.to: it should be a target, or a table of weights"),
        ("[routes.s]\nto = ['a']", "f:2: routes.s.to: it should be a target, or a table"),
        ("[routes.s]\nto = {}", "f:2: routes.s.to: it is empty; name a target"),
        ("[routes.s]\nto = 'a'\nfallback = 'b'", "f:3: .*fallback: it should be an array; .*"),
        ("[routes.s]\nto = 'a'\nfallback = ['b',\n3]", r"f:4: .*\[1\]: it should be the name of"),
        ("[routes.s.to]\n'a'=1\n'b'= '1'", 'f:3: routes.s.to.b: it should be a valid number'),
        ("[routes.s.to]\n'a'=1\n'b'=true", 'f:3: routes.s.to.b: .* number; it is true'),
        ("[routes.s.to]\n'a@1'=1\n'b@1'=-1", r'f:3: routes.s.to."b@1": .* or equal to 0; it is -1'),
        ("[routes.s.to]\n'a'=nan", "f:2: routes.s.to.a: it should be a finite number"),
        ("[routes.s]\nto = {a=1,a=2}", "f:2: it is not TOML: Duplicate inline table key 'a'"),
        ("[routes.s.to]\n'a'=0\n'b'=0", "f:1: routes.s.to: every weight is 0"),
        ("[routes.s.to]\n'a'=1\n'b c'=1", 'f:3: routes.s.to."b c": .b c. is no target; write'),
        ("[routes.s.to]\n'a@0'=1", "f:2: .*'a@0' is no target"),
        ("[routes.s.to]\n'a@latest'=1", "f:2: .*'a@latest' is no target"),
        ("[routes.s]\nto = 'auto'", "f:2: routes.s.to: 'auto' is the policy and cannot be"),
        ("[routes.auto]\nto = 'a'", "f:1: routes.auto: 'auto' is the policy and cannot be a route"),
        ("[routes.'a b']\nto = 'a'", "f:1: routes.\"a b\": 'a b' is no name"),
        ("[routes.s]\nto = 'a'\nfallback = ['b', 'b']", "f:3: .*fallback: 'b' is named twice"),
        (
            SIGNS + "fallback_when = ['slow',\n 'tired']",
            r"f:4: routes.signs.fallback_when\[1\]: it should be 'overloaded', 'broken' or 'slow'",
        ),
        ("[routes.s]\nto = 'a'\nfallback = ['b', 'a']", "f:3: .*'a' has all the weight and cannot"),
        ("[routes.s]\nto = {a=1,b=0}\nfallback = ['a']", "f:3: .*'a' has all the weight"),
        ("[routes.s]\nto = 'a'\nshadow.to = 'a'", "f:3: routes.s.shadow: 'a' has all the weight"),
        (SIGNS + "shadow.to = 'c'\nshadow.share = 0", "f:4: .*share: it should be greater than 0"),
        (SIGNS + "shadow.to = 'c'\nshadow.keep = 1.0", "f:4: .*keep: .* integer; it is 1.0"),
        (SIGNS + "shadow.to = 'c'\nshadow.keep = 1001", "f:4: .* less than or equal to 1000"),
        (SIGNS + "shadow.to = 'c'\nshadow.keep_images = 'yes'", "f:4: .*valid boolean"),
        (SIGNS + "shadow.to='c'\nshadow.thresholds.max_slowdown=inf", "f:4: .*finite number"),
        ("[defaults]\nsegmentation = 'a'", "f:2: defaults.segmentation: it should be 'class.*' or"),
        ("[defaults]\ndetection = 'a@1'", "f:2: defaults.detection: 'a@1' is no name"),
        ("[defaults]\ndetection = 1979-05-27", "f:2: .*valid string; it is \"1979-05-27\""),
        ("[auto.detection]\nmodels = []", "f:2: auto.detection.models: it is empty"),
        ("[auto.detecting]\nmodels = ['a']", "f:1: auto.detecting: it should be 'classification'"),
        ("[routes.s]\nto = '" + "x" * 200 + "'", "f:2: .* is no target"),
        ("[routes.s]\nto = 'a'\nfallback='" + "x" * 200 + "'", "f:3: .*; it is \"x{59}…$"),
    ],
)  # fmt: skip
def test_a_slip_is_told_with_its_line(text: str, fault: str) -> None:
    told = faults(text)
    assert len(told) == 1
    assert re.match(fault, told[0]), told[0]


@pytest.mark.parametrize(
    "text",
    [
        "[routes.mbv2_simam]\nto = { mbv2_simam = 9, mbv2_cbam = 1 }",  # hides the model
        "[routes.s]\nto = { a = 9, b = 1 }\nfallback = ['a']\nshadow.to = 'b'",
        "[routes.s]\nto = 'a'\nfallback = ['a@1']\nshadow.to = 'a@2'",
        "[routes.s]\nto = { a = 0, b = 0.001 }",
        "[defaults]\nclassification = 'auto'",
        "[routes.'v1.2']\nto = 'resnet-50.v2'",
        "[routes.s]\nto = 'signs'\n[routes.signs]\nto = 'a'",  # a model that has a route's name
    ],
)
def test_what_is_allowed(text: str) -> None:
    parse(text, "f")


def test_everything_that_is_wrong_is_told_in_the_order_of_the_file() -> None:
    text = "[zzz]\n[routes.b]\nfallback = ['a', 'a']\nto = 'x y'\n[routes.a]\nbusy = 1\n"
    assert [re.match(r"f:(\d+): ([\w.]+)", fault).groups() for fault in faults(text)] == [
        ("1", "zzz"),
        ("3", "routes.b.fallback"),
        ("4", "routes.b.to"),
        ("5", "routes.a"),
        ("6", "routes.a.busy"),
    ]


def test_the_message_of_many_faults_has_an_end() -> None:
    text = "".join(f"[routes.r{number}]\n" for number in range(MOST + 5))
    with pytest.raises(RoutesError) as raised:
        parse(text, "f")
    assert len(raised.value.faults) == MOST + 5
    assert str(raised.value).splitlines()[MOST:] == ["and 5 more"]


WORDS = ["[", "]", "{", "}", "=", ",", ".", '"', "'", "#", "\n", " ", "routes", "to", "auto",
         "defaults", "fallback", "a@1", "1", "true", '"""', "[[", "]]", "\\", "shadow"]  # fmt: skip


@given(st.one_of(st.text(), st.lists(st.sampled_from(WORDS)).map("".join)))
@example("[[routes]]\nto = 1")
@example("routes = " + "[" * 400 + "]" * 400)
@example("routes = [[{ a = [{ b = 1 }] }]]")
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(RoutesError):
        assert isinstance(parse(text, "f"), Routes)
