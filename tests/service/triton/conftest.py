"""One event loop for all of these tests.

gRPC's poller is one for the whole process, and may wake up the loop of a test that has ended.
"""

from collections.abc import AsyncIterator

import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
async def one_loop(anyio_backend: str) -> AsyncIterator[None]:
    yield  # noqa: PT022 - the loop lives as long as this fixture
