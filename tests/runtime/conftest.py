"""The backend's modules importable as in Triton's stub, and the smallest repository."""

import sys
from pathlib import Path

import pytest

from runtime.layout import OUR_BACKEND
from tests.runtime import tiny

sys.path.append(str(OUR_BACKEND))


@pytest.fixture(scope="session")
def adder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the model `add` alone."""
    repository = tmp_path_factory.mktemp("adder")
    tiny.add_adder(repository)
    return repository
