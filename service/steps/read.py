"""Body chunks to bytes: media type and size cap."""

import io

from service.errors import BodyTooLarge, UnsupportedMediaType
from service.settings import Settings
from service.values import Body

FORM = "multipart/form-data"
JSON = "application/json"


async def read(body: Body, settings: Settings) -> bytes:
    """The whole body; without a copy where it arrives in one piece.

    Raises:
        UnsupportedMediaType: neither image/*, FORM nor JSON; nothing was read.
        BodyTooLarge: by Content-Length before reading, else as soon as a chunk exceeds the cap.
    """
    media_type = body.media_type
    if media_type not in (FORM, JSON) and not media_type.startswith("image/"):
        shown = f"{media_type[:100]!r}" if media_type else "missing"
        raise UnsupportedMediaType(f"the Content-Type is {shown}", field="content-type")
    return await collect(body, settings)


async def collect(body: Body, settings: Settings) -> bytes:
    """The same, whatever its type.

    Raises:
        BodyTooLarge: as above.
    """
    _check_size(body.content_length or 0, settings)
    first, rest = b"", None
    async for chunk in body.chunks:
        if not first:
            first = chunk
        elif chunk:
            if rest is None:
                rest = io.BytesIO()
                rest.write(first)
            rest.write(chunk)
        _check_size(len(first) if rest is None else rest.tell(), settings)
    return first if rest is None else rest.getvalue()


def _check_size(size: int, settings: Settings) -> None:
    limit = settings.max_body_bytes
    if size > limit:
        raise BodyTooLarge(f"the body exceeds {limit} bytes", max_body_bytes=limit)
