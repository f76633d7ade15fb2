"""Each dependency has its reason in ADR 2, and whatever is imported is declared."""

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from itertools import product

import pytest

from tests.test_imports import ROOT, imported, modules

ADR = ROOT / "docs/adr/0002-dependencies.md"
ROW = re.compile(r"^\| (?!package )(\w[^|]*) \| ([^|]+) \| [^|]+ \|$", re.MULTILINE)
NAME = re.compile(r"[\w.-]+")  # of a requirement, before its extras and versions
OURS = {file.parent.name for file in ROOT.glob("*/__init__.py")}


def normal(requirement: str) -> str:
    found = NAME.match(requirement.strip())
    assert found, requirement
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def declared() -> Iterator[tuple[str, str]]:
    """Package and part, of all that an installation may ask for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for part, requirements in project["optional-dependencies"].items():
        yield from ((normal(one), part) for one in requirements if not one.startswith("fovea["))
    for line in (ROOT / "runtime/requirements.txt").read_text().splitlines():
        if not line.startswith("#"):
            yield normal(line), "runtime"


def explained() -> Iterator[tuple[str, str]]:
    """Package and part, of all rows of the ADR."""
    for packages, parts in ROW.findall(ADR.read_text()):
        yield from product(map(normal, packages.split(",")), parts.split(", "))


def test_each_dependency_has_its_reason_and_no_other_has() -> None:
    assert set(explained()) == set(declared())


@pytest.mark.parametrize(
    ("package", "parts"),
    [
        ("fovea", {"client"}),
        ("pixels", {"service"}),
        ("pixels", {"zoo"}),
        ("service", {"service", "otel"}),
        ("zoo", {"zoo", "onnx"}),
    ],
)
def test_what_is_imported_is_declared(package: str, parts: set[str]) -> None:
    carriers = packages_distributions()
    own = {name for name, part in declared() if part in parts}
    for path in modules(package):
        for module in imported(path) & carriers.keys() - OURS:
            assert own & set(map(normal, carriers[module])), f"{path} imports {module}"
