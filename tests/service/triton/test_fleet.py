"""Servers behind a DNS name come and go with its addresses, and each is known by itself."""

import asyncio
import socket

import grpc
import pytest

from service.errors import BackendUnavailable
from service.settings import Settings
from service.triton import TritonBackend
from service.triton.channel import Access
from service.triton.fleet import Fleet, resolve
from service.triton.protocol import Request
from tests.service.scripted_triton import Script, listening
from tests.service.triton.asking import TENSOR, Notebook, infer
from tests.service.triton.certificates import Authority

pytestmark = pytest.mark.anyio


class Names:
    """A name server that says what a test tells it to."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)
        self.away = False

    async def __call__(self, name: str) -> list[str]:
        assert name == "tritons:8001"
        if self.away:
            raise socket.gaierror("temporary failure in name resolution")
        return self.addresses


def fleet(names: Names, notebook: Notebook) -> Fleet:
    return Fleet("10.0.0.1:1,dns:///tritons:8001", Access(), notebook, names)


def addresses(fleet: Fleet) -> list[str]:
    return sorted(endpoint.address for endpoint in fleet.endpoints)


async def test_addresses_come_and_go() -> None:
    names, notebook = Names("10.0.0.2:8001", "10.0.0.3:8001"), Notebook()
    servers = fleet(names, notebook)
    endpoints = servers.endpoints
    assert addresses(servers) == ["10.0.0.1:1"]
    await servers.refresh()
    assert addresses(servers) == ["10.0.0.1:1", "10.0.0.2:8001", "10.0.0.3:8001"]
    names.addresses = ["10.0.0.3:8001", "10.0.0.4:8001"]
    await servers.refresh()
    assert addresses(servers) == ["10.0.0.1:1", "10.0.0.3:8001", "10.0.0.4:8001"]
    assert notebook.health == {"10.0.0.2:8001": "gone"}
    assert servers.endpoints is endpoints
    await servers.close()


async def test_one_that_stays_is_the_same_as_before() -> None:
    servers = fleet(Names("10.0.0.2:8001"), Notebook())
    await servers.refresh()
    before = list(servers.endpoints)
    await servers.refresh()
    assert all(new is old for new, old in zip(servers.endpoints, before, strict=True))
    await servers.close()


async def test_a_name_server_that_is_away_changes_nothing() -> None:
    names = Names("10.0.0.2:8001")
    servers = fleet(names, Notebook())
    await servers.refresh()
    names.away = True
    await servers.refresh()
    assert len(servers.endpoints) == 2
    await servers.close()


async def test_a_real_name_is_looked_up() -> None:
    assert "127.0.0.1:8001" in await resolve("localhost:8001")
    with pytest.raises(socket.gaierror):
        await resolve("no.such.name.invalid:8001")


async def test_a_name_is_as_good_as_an_address() -> None:
    async with listening(Script()) as port:
        backend = TritonBackend(Settings(triton_url=f"dns:///localhost:{port}"))
        with pytest.raises(BackendUnavailable, match="known yet"):
            await infer(backend)
        await backend.index()
        assert (await infer(backend)).version == "7"
        await backend.close()


async def test_a_certificate_for_the_name_will_do(tmp_path) -> None:
    authority = Authority.made_in(tmp_path)
    authority.issue("server", names="DNS:tritons")
    names, credentials = Names(), authority.server(asks_who=False)
    root = grpc.ssl_channel_credentials(authority.read("ca.pem"))
    async with listening(Script(), credentials=credentials) as port:
        names.addresses = [f"127.0.0.1:{port}"]
        servers = Fleet("dns:///tritons:8001", Access(root), Notebook(), names)
        await servers.refresh()
        assert await servers.endpoints[0].look()
        await servers.close()


async def test_what_is_under_way_at_a_server_that_goes_is_answered() -> None:
    script, names = Script(delay_seconds=0.5), Names()
    async with listening(script) as port:
        names.addresses = [f"127.0.0.1:{port}"]
        servers = Fleet("dns:///tritons:8001", Access(), Notebook(), names)
        await servers.refresh()
        request = Request("signs", "", {"x": TENSOR}, ["y"])
        call = asyncio.create_task(servers.endpoints[0].infer("signs", request, 10, {}))
        await script.inferring.wait()
        names.addresses = []
        await servers.refresh()
        assert not servers.endpoints
        assert (await call).model_version == "7"
        await servers.close()
