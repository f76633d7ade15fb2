"""One real Triton and one real gateway for the whole test session."""

from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.stack import REPOSITORY, Stack, serve


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    if not (REPOSITORY / "mbv2_simam/1/model.pt").exists():
        pytest.fail("model_repository/mbv2_simam/1/model.pt is not built: run `make models`")
    with serve(tmp_path_factory.mktemp("stack") / "log") as running:
        yield running


@pytest.fixture(scope="session")
def client(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.url, timeout=30) as session:
        yield session
