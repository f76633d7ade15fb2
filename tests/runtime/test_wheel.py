"""What is missing is named, with the remedy; what is there is laid out for a server."""

from pathlib import Path

import pytest

from runtime.errors import MissingPartError
from runtime.layout import assemble
from runtime.wheel import check_platform, locate, parts_in

LIBPYTHON = "libpython3.11.so.1.0"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A wheel whose files have the right names and nothing in them that runs."""
    triton = tmp_path / "site" / "pytriton" / "tritonserver"
    for name, content in {
        "bin/tritonserver": "",
        "backends/python/libtriton_python.so": "",
        "backends/python/triton_python_backend_utils.py": "",
        "python_backend_stubs/3.9/triton_python_backend_stub": "",
        "python_backend_stubs/3.11/triton_python_backend_stub": f"\0{LIBPYTHON}\0",
        "../../nvidia_pytriton.libs/libssl.so": "",
        f"../../../lib/{LIBPYTHON}": "",
    }.items():
        path = (triton / name).resolve()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return triton.parent


def test_the_wheel_of_this_environment_is_complete():
    wheel = locate()
    assert wheel.server.name == "tritonserver"
    assert len(wheel.library_folders) == 2


@pytest.mark.parametrize(
    "platform", [("darwin", "arm64"), ("linux", "aarch64"), ("win32", "AMD64")]
)
def test_another_platform_is_told_to_use_a_container(platform):
    with pytest.raises(MissingPartError, match=f"{platform[1]}: run Triton in a container"):
        check_platform(*platform)


def test_a_python_without_a_stub_is_told_which_there_are(package):
    with pytest.raises(MissingPartError, match=r"no stub for Python 3\.14, only for 3\.9, 3\.11:"):
        parts_in(package, (3, 14), [])


def test_a_missing_libpython_is_named_with_its_package(package):
    with pytest.raises(MissingPartError, match=r"1\.0 is missing.*apt-get install libpython3\.11`"):
        parts_in(package, (3, 11), [package])


@pytest.mark.parametrize("part", ["bin/tritonserver", "backends/python/libtriton_python.so"])
def test_a_missing_part_of_the_wheel_is_named(package, part):
    (package / "tritonserver" / part).unlink()
    with pytest.raises(MissingPartError, match=f"{part} is missing: run `make setup`"):
        parts_in(package, (3, 11), [package.parents[1] / "lib"])


def test_the_layout_has_both_backends_and_an_empty_working_folder(package, tmp_path):
    wheel = parts_in(package, (3, 11), [tmp_path / "lib"])
    layout = assemble(wheel, tmp_path)
    files = {str(path.relative_to(layout.backends)) for path in layout.backends.rglob("*.*")}
    assert {"python/libtriton_python.so", "pytorch/model.py", "pytorch/pt_plan.py"} <= files
    assert not any(path.is_symlink() for path in layout.backends.rglob("*"))
    assert not list(layout.working.iterdir())
