"""Find the parts of Triton inside the installed nvidia-pytriton wheel, or say what is missing."""

import importlib.util
import platform
import re
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from runtime.errors import MissingPartError

STUB = "triton_python_backend_stub"


@dataclass(frozen=True)
class TritonWheel:
    """Where the wheel keeps what a server with a Python-based backend needs."""

    server: Path
    python_backend: Path
    python_utils: Path
    stub: Path  # hosts one model instance in a process; one binary per Python minor version
    library_folders: tuple[Path, ...]  # the wheel's own libraries, then libpython's folder


def locate() -> TritonWheel:
    """The parts that fit the running interpreter; raises MissingPartError with the remedy."""
    check_platform(sys.platform, platform.machine())
    return parts_in(installed_package(), sys.version_info[:2], libpython_folders())


def check_platform(system: str, machine: str) -> None:
    """Raise MissingPartError unless the wheel's binaries can run here."""
    if (system, machine) != ("linux", "x86_64"):
        raise MissingPartError(
            f"the Triton wheel holds Linux x86-64 binaries and this is {system} {machine}: "
            "run Triton in a container instead and point FOVEA_TRITON_URL at it"
        )


def installed_package() -> Path:
    """The folder of the wheel's Python package, found without importing it."""
    spec = importlib.util.find_spec("pytriton")
    if spec is None or not spec.submodule_search_locations:
        raise MissingPartError(
            f"nvidia-pytriton is not installed in {sys.prefix}: run `make setup`"
        )
    return Path(spec.submodule_search_locations[0])


def libpython_folders() -> tuple[Path, ...]:
    """Where this interpreter's shared library may lie, most likely place first."""
    libraries = Path(sysconfig.get_config_var("LIBDIR") or sys.base_prefix + "/lib")
    multiarch = sysconfig.get_config_var("MULTIARCH") or "x86_64-linux-gnu"
    return (libraries, libraries / multiarch, Path(sys.base_prefix, "lib"))


def parts_in(
    package: Path, python: tuple[int, int], libpython_folders: Iterable[Path]
) -> TritonWheel:
    """The wheel's parts in ``package`` for Python ``python``; raises MissingPartError."""
    triton = package / "tritonserver"
    server = triton / "bin" / "tritonserver"
    backend = triton / "backends" / "python" / "libtriton_python.so"
    utils = backend.with_name("triton_python_backend_utils.py")
    libraries = package.parent / "nvidia_pytriton.libs"  # beside the package, as auditwheel puts it
    for part in (server, backend, utils, libraries):
        if not part.exists():
            raise MissingPartError(
                f"nvidia-pytriton is incomplete, {part} is missing: run `make setup`"
            )
    stub = _stub_for(triton / "python_backend_stubs", python)
    libpython = _libpython_for(stub, (libraries, *libpython_folders))
    return TritonWheel(server, backend, utils, stub, (libraries, libpython.parent))


def _stub_for(stubs: Path, python: tuple[int, int]) -> Path:
    """The stub whose embedded interpreter has the running one's minor version."""
    version = "{}.{}".format(*python)
    stub = stubs / version / STUB
    if not stub.exists():
        minors = sorted(int(folder.name.partition(".")[2]) for folder in stubs.glob("3.*"))
        there = ", ".join(f"3.{minor}" for minor in minors) or "none"
        raise MissingPartError(
            f"nvidia-pytriton has no stub for Python {version}, only for {there}: make the "
            "environment with one of those, for example `make setup PYTHON=python3.11`"
        )
    return stub


def _libpython_for(stub: Path, folders: Iterable[Path]) -> Path:
    """The libpython that ``stub`` is linked against, by the name written in its file."""
    match = re.search(rb"libpython3[\w.-]*\.so[\w.]*", stub.read_bytes())
    if match is None:
        raise MissingPartError(f"{stub} names no libpython, it is damaged: run `make setup`")
    name = match.group().decode()
    for folder in folders:
        if (folder / name).exists():
            return folder / name
    package = name.partition(".so")[0]
    raise MissingPartError(
        f"{name} is missing, which Triton's Python stub is linked against: "
        f"`apt-get install {package}`, or use a Python built with --enable-shared"
    )
