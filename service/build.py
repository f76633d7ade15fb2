"""Which build of the gateway this is."""

import json
import platform
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError

NAME = "fovea"
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Build:
    """What tells one build from another."""

    version: str
    python: str
    commit: str  # where it was installed from a repository, else UNKNOWN


def build() -> Build:
    """What this process runs."""
    python = platform.python_version()
    try:
        package = Distribution.from_name(NAME)
    except PackageNotFoundError:  # run from its folder
        return Build(UNKNOWN, python, UNKNOWN)
    return Build(package.version, python, _commit(package.read_text("direct_url.json")))


def _commit(direct_url: str | None) -> str:
    """What pip wrote down of the origin (PEP 610)."""
    origin = json.loads(direct_url or "{}")
    return str(origin.get("vcs_info", {}).get("commit_id", UNKNOWN))
