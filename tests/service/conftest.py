"""What every test of the gateway needs."""

import pytest

from pixels.decode import configure_pillow


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def pillow_as_in_the_gateway() -> None:
    configure_pillow()
