"""A body becomes bytes: without a copy where it can be, and never more of them than allowed."""

from collections.abc import AsyncIterator

import pytest

from service.errors import BodyTooLarge, UnsupportedMediaType
from service.settings import Settings
from service.steps.read import read
from service.values import Body

pytestmark = pytest.mark.anyio
SETTINGS = Settings(max_body_bytes=100)


async def nobody() -> None: ...


def body(*chunks: bytes, kind: str = "image/png", length: int | None = None) -> Body:
    async def stream() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    return Body(chunks=stream(), content_type=kind, content_length=length, leaving=nobody)


async def test_a_body_of_one_piece_is_not_copied() -> None:
    piece = bytes(100)
    assert await read(body(piece, b""), SETTINGS) is piece


@pytest.mark.parametrize("chunks", [(b"ab", b"c"), (b"", b"a", b"", b"bc", b""), (b"abc",)])
async def test_pieces_are_put_together(chunks: tuple[bytes, ...]) -> None:
    assert await read(body(*chunks), SETTINGS) == b"abc"


async def test_no_body_is_an_empty_one() -> None:
    assert await read(body(), SETTINGS) == b""


@pytest.mark.parametrize(
    "kind",
    ["image/jpeg", "IMAGE/X-Odd; a=b", "multipart/form-data; boundary=x", "application/json"],
)
async def test_these_kinds_are_read(kind: str) -> None:
    assert await read(body(b"x", kind=kind), SETTINGS) == b"x"


@pytest.mark.parametrize("kind", ["", "text/plain", "application/jsonl", "imagejpeg", ";image/png"])
async def test_other_kinds_are_refused(kind: str) -> None:
    with pytest.raises(UnsupportedMediaType) as caught:
        await read(body(b"x", kind=kind), SETTINGS)
    assert caught.value.members["field"] == "content-type"


@pytest.mark.parametrize(
    ("chunks", "length"), [((b"",), 101), ((bytes(101),), None), ((bytes(60), bytes(41)), 5)]
)
async def test_more_than_the_limit_is_refused(chunks: tuple[bytes], length: int | None) -> None:
    with pytest.raises(BodyTooLarge):
        await read(body(*chunks, length=length), SETTINGS)
