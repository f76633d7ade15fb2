"""Bodies that were compressed on their way (RFC 9110, section 8.4.1)."""

import zlib

from service.errors import BodyTooLarge, MalformedUpload, UnsupportedMediaType

PLAIN = ("", "identity")
CODINGS = ("gzip", "deflate")
EITHER = zlib.MAX_WBITS | 32  # zlib tells by the first bytes which of the two it is


def check_coding(coding: str) -> None:
    """Raise UnsupportedMediaType unless it is one of CODINGS, or none."""
    if coding not in (*PLAIN, *CODINGS):
        raise UnsupportedMediaType(
            f"the Content-Encoding is {coding[:100]!r}",
            field="content-encoding",
            remedy=f"use one of {', '.join(CODINGS)}, or none",
        )


def decompress(body: bytes, most: int) -> bytes:
    """What ``body`` was made of.

    Raises:
        BodyTooLarge: that is more than ``most`` bytes; no more are made.
        MalformedUpload: it is not compressed, or not whole.
    """
    stream = zlib.decompressobj(EITHER)
    try:
        plain = stream.decompress(body, most + 1)
    except zlib.error:
        raise _malformed() from None
    if len(plain) > most:
        raise BodyTooLarge(f"the body exceeds {most} bytes once unpacked", max_body_bytes=most)
    if not stream.eof or stream.unused_data:
        raise _malformed()
    return plain


def _malformed() -> MalformedUpload:
    return MalformedUpload(
        "the body is not what its Content-Encoding says",
        field="content-encoding",
        remedy="send one whole gzip or zlib stream",
    )
