"""The clients against the gateway's own code, for what the stack of the tests does not refuse."""

from pathlib import Path
from typing import Any

import httpx
import pytest

import fovea
from service.app import create_app
from service.errors import BackendUnavailable
from service.keys import Scope, generate
from service.settings import Settings
from tests.fakes import FakeBackend, FakeModel
from tests.images import jpeg

pytestmark = pytest.mark.anyio


class Gateway:
    """The app in memory; clients of it are the package's own."""

    def __init__(self, backend: FakeBackend | None = None, **settings: Any) -> None:
        self._app = create_app(Settings(**settings), backend or FakeBackend())
        self._lifespan = self._app.router.lifespan_context(self._app)

    def client(self, **options: Any) -> fovea.AsyncClient:
        transport = httpx.ASGITransport(self._app)
        return fovea.AsyncClient("http://localhost", transport=transport, **options)

    async def __aenter__(self) -> "Gateway":
        await self._lifespan.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._lifespan.__aexit__(*error)


async def test_keys_open_what_their_scope_says(tmp_path: Path) -> None:
    key, line = generate("phone", [Scope.PREDICT])
    file = tmp_path / "keys"
    file.write_text(f"{line}\n")
    file.chmod(0o600)
    async with Gateway(api_keys_file=file, model_control=True) as gateway:
        async with gateway.client() as stranger:
            assert await stranger.ready()
            with pytest.raises(fovea.AuthError) as caught:
                await stranger.predict(jpeg())
            assert caught.value.code == "unauthenticated"
        async with gateway.client(api_key=key) as phone:
            assert (await phone.predict(jpeg())).model == "signs"
            with pytest.raises(fovea.AuthError) as caught:
                await phone.unload("signs")
            assert caught.value.members["scope"] == "admin"


async def test_who_asks_too_often_waits_as_told_or_is_told_how_long() -> None:
    async with Gateway(rate_per_second=1, rate_burst=1) as gateway:
        async with gateway.client() as patient:
            for _ in range(2):
                await patient.predict(jpeg())
        async with gateway.client(retries=0) as hasty:
            with pytest.raises(fovea.RateLimited) as caught:
                await hasty.predict(jpeg())
    assert caught.value.retry_after == 1


async def test_the_time_is_the_gateway_s_too() -> None:
    async with (
        Gateway(FakeBackend(delay_seconds=5)) as gateway,
        gateway.client(timeout=0.2) as client,
    ):
        with pytest.raises(fovea.DeadlineExceeded) as caught:
            await client.predict(jpeg())
    assert caught.value.members["stage"] == "infer"


async def test_a_model_is_unloaded_and_loaded_again() -> None:
    backend = FakeBackend(repository={"signs": FakeModel(versions=("2",))})
    async with (
        Gateway(backend, model_control=True) as gateway,
        gateway.client(retries=0) as client,
    ):
        assert (await client.unload("signs")).versions == ()
        with pytest.raises(fovea.Unavailable) as caught:
            await client.predict(jpeg(), model="signs")
        assert (caught.value.code, caught.value.retry_after) == ("model-not-ready", 2)
        with pytest.raises(fovea.Conflict):
            await client.unload("signs")
        assert (await client.load("signs")).versions == ("2",)
        assert (await client.predict(jpeg(), model="signs")).version == "2"


async def test_a_batch_of_one_tells_its_error_in_its_place() -> None:
    async with Gateway() as gateway, gateway.client() as client:
        (good,) = await client.predict_batch([jpeg()])
        (bad,) = await client.predict_batch([b"no image"])
    assert good.result().model == "signs"
    assert isinstance(bad.error, fovea.BadImage)


async def test_a_gateway_without_triton_is_unavailable_and_not_ready() -> None:
    backend = FakeBackend()
    async with Gateway(backend) as gateway, gateway.client(retries=0) as client:
        assert await client.ready()
        backend.away = BackendUnavailable("stopped")
        assert not await client.ready()
        with pytest.raises(fovea.Unavailable) as caught:
            await client.predict(jpeg())
    assert (caught.value.code, caught.value.retry_after) == ("backend-unavailable", 2)
