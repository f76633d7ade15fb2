"""The import rules that a linter cannot express, read off the syntax trees."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("contract", "pixels", "runtime", "service", "zoo")
INSIDE_TRITON = ROOT / "runtime/backends"  # runs in Triton's interpreter, with torch


def modules(package: str) -> Iterator[Path]:
    return (p for p in sorted((ROOT / package).rglob("*.py")) if INSIDE_TRITON not in p.parents)


def imported(path: Path) -> set[str]:
    """Top-level names of the packages that ``path`` imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(str(node.module).split(".")[0])
    return names


def mentions(path: Path, names: set[str]) -> bool:
    tree = ast.parse(path.read_text())
    return any(isinstance(n, ast.Attribute) and n.attr in names for n in ast.walk(tree))


@pytest.mark.parametrize("package", ["contract", "runtime"])
def test_it_needs_the_standard_library_alone(package: str) -> None:
    for path in modules(package):
        assert imported(path) <= sys.stdlib_module_names | {package}, path


def test_pixels_need_pillow_and_numpy_alone() -> None:
    for path in modules("pixels"):
        ours = {"pixels", "contract"}
        assert imported(path) <= sys.stdlib_module_names | ours | {"PIL", "numpy"}, path


def test_the_backend_imports_nothing_of_ours() -> None:
    for path in sorted(INSIDE_TRITON.rglob("*.py")):
        assert not imported(path) & set(PACKAGES), path


def test_only_one_package_of_the_gateway_speaks_triton() -> None:
    speakers = {p.parent for p in modules("service") if imported(p) & {"grpc", "tritonclient"}}
    assert speakers == {ROOT / "service/triton"}


def test_only_settings_read_the_environment() -> None:
    readers = {p.name for p in modules("service") if mentions(p, {"environ", "getenv"})}
    assert readers <= {"settings.py"}


def test_only_metrics_name_a_series() -> None:
    importers = {
        p.parent.name for p in modules("service") if "service.instruments" in p.read_text()
    }
    users = {p.name for p in modules("service") if "prometheus_client" in imported(p)}
    assert importers == {"metrics"}
    assert users == {"instruments.py"}


def test_steps_know_neither_http_nor_each_other() -> None:
    for path in modules("service/steps"):
        assert not imported(path) & {"fastapi", "starlette", "prometheus_client"}, path
        assert "service.steps" not in path.read_text(), path
