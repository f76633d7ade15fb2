"""What `from fovea import …` gives: the list, the code and the release agree."""

import ast
import inspect
import sys
import tomllib
import types
from importlib import import_module
from pathlib import Path

import pytest

import fovea

PACKAGE = Path(fovea.__file__).parent
MODULES = sorted(PACKAGE.glob("*.py"))


def test_all_that_is_imported_for_users_is_listed_in_order() -> None:
    public = {
        name
        for name, value in vars(fovea).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert fovea.__all__ == sorted({*public, "__version__"})


@pytest.mark.parametrize("name", ["_answers", "_comparison", "_errors", "_models", "_options"])
def test_what_users_meet_is_listed_and_named_as_they_write_it(name: str) -> None:
    module = import_module(f"fovea.{name}")
    source = ast.parse(Path(module.__file__ or "").read_text())
    classes = {node.name for node in source.body if isinstance(node, ast.ClassDef)}
    public = {name for name in classes if not name.startswith("_")} - {"Models"}
    assert public <= set(fovea.__all__)
    assert all(getattr(fovea, each).__module__ == "fovea" for each in public)


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())["project"]
    assert fovea.__version__ == project["version"]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_it_needs_httpx_and_the_standard_library_alone(path: Path) -> None:
    needed = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            needed |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            needed.add(str(node.module).split(".")[0])
    assert needed <= sys.stdlib_module_names | {"fovea", "httpx"}


def test_both_clients_do_the_same() -> None:
    def calls(kind: type) -> dict[str, list[str]]:
        public = {name: value for name, value in vars(kind).items() if not name.startswith("_")}
        return {name: list(inspect.signature(value).parameters) for name, value in public.items()}

    assert calls(fovea.Client) == calls(fovea.AsyncClient)


def test_it_says_that_it_is_typed() -> None:
    assert (PACKAGE / "py.typed").exists()
