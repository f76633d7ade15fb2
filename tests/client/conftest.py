"""The real stack with two classifiers, a route and a detector, once for the session."""

from collections.abc import Iterator

import pytest

from fovea import Client
from tests.e2e.stack import Stack, serve


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("stack")
    (folder / "routes.toml").write_text('[routes.signs]\nto = "mbv2_simam"\n')
    models = "mbv2_simam,mbv2_none,retinanet_mbv2_simam"
    environment = {"FOVEA_ROUTES_FILE": str(folder / "routes.toml"), "FOVEA_MODEL_CONTROL": "true"}
    with serve(folder / "log", models=models, **environment) as running:
        yield running


@pytest.fixture(scope="session")
def client(stack: Stack) -> Iterator[Client]:
    with Client(stack.url) as session:
        yield session
