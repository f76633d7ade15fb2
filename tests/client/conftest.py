"""The real stack with a classifier and a detector, once for the session."""

from collections.abc import Iterator

import pytest

from fovea import Client
from tests.e2e.stack import Stack, serve


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    log = tmp_path_factory.mktemp("stack") / "log"
    models = "mbv2_simam,retinanet_mbv2_simam"
    with serve(log, models=models, FOVEA_MODEL_CONTROL="true") as running:
        yield running


@pytest.fixture(scope="session")
def client(stack: Stack) -> Iterator[Client]:
    with Client(stack.url) as session:
        yield session
