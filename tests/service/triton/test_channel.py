"""Triton and the gateway know who they talk to, where they are told to make sure."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from service.errors import BackendUnavailable
from service.settings import Settings
from service.triton import TritonBackend
from tests.service.scripted_triton import Script, client, connected, listening
from tests.service.triton.asking import infer
from tests.service.triton.certificates import Authority

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    authority = Authority.made_in(tmp_path_factory.mktemp("ours"))
    for name in ("server", "gateway"):
        authority.issue(name)
    return authority


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    authority = Authority.made_in(tmp_path_factory.mktemp("strangers"))
    authority.issue("gateway")
    return authority


@asynccontextmanager
async def secured(
    ours: Authority, *, asks_who: bool, **files: Path
) -> AsyncIterator[TritonBackend]:
    settings: dict[str, Any] = {"triton_tls": True, **files}
    async with (
        listening(Script(), credentials=ours.server(asks_who=asks_who)) as port,
        client(port, **settings) as backend,
    ):
        yield backend


def own(authority: Authority) -> dict[str, Path]:
    folder = authority.folder
    return {"triton_cert_file": folder / "gateway.pem", "triton_key_file": folder / "gateway.key"}


async def test_a_server_whose_certificate_is_vouched_for_is_asked(ours: Authority) -> None:
    async with secured(ours, asks_who=False, triton_ca_file=ours.folder / "ca.pem") as backend:
        assert (await infer(backend)).version == "7"


async def test_a_server_of_strangers_gets_no_image(ours: Authority, strangers: Authority) -> None:
    for files in ({"triton_ca_file": strangers.folder / "ca.pem"}, {}):
        async with secured(ours, asks_who=False, **files) as backend:
            with pytest.raises(BackendUnavailable):
                await infer(backend)


async def test_a_gateway_that_shows_its_certificate_is_let_in(ours: Authority) -> None:
    files = {"triton_ca_file": ours.folder / "ca.pem", **own(ours)}
    async with secured(ours, asks_who=True, **files) as backend:
        assert (await infer(backend)).version == "7"


async def test_a_gateway_without_a_certificate_that_counts_is_not(
    ours: Authority, strangers: Authority
) -> None:
    authority = {"triton_ca_file": ours.folder / "ca.pem"}
    for files in (authority, authority | own(strangers)):
        async with secured(ours, asks_who=True, **files) as backend:
            with pytest.raises(BackendUnavailable):
                await infer(backend)


async def test_the_secret_of_a_restricted_protocol_goes_with_every_inference(
    tmp_path: Path,
) -> None:
    file = tmp_path / "secret"
    file.write_text("Fovea-Key=a=b c\n")
    script = Script()
    async with connected(script, triton_secret_file=file) as backend:
        await infer(backend)
    assert script.metadata[0]["triton-grpc-protocol-fovea-key"] == "a=b c"


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"triton_ca_file": "file"}, "FOVEA_TRITON_TLS"),
        ({"triton_tls": True, "triton_cert_file": "file"}, "give both or neither"),
        ({"triton_tls": True, "triton_key_file": "file"}, "give both or neither"),
        ({"triton_tls": True, "triton_ca_file": "missing"}, "does not point to a file"),
        ({"triton_secret_file": "file"}, "KEY=SECRET"),
    ],
)
def test_files_that_make_no_sense_stop_the_start(
    tmp_path: Path, given: dict[str, Any], complaint: str
) -> None:
    (tmp_path / "file").write_text("nothing")
    paths = {name: tmp_path / v if isinstance(v, str) else v for name, v in given.items()}
    with pytest.raises(ValidationError, match=complaint):
        Settings(**paths)
