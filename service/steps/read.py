"""Body chunks to Upload: media type, size cap, and the one file of a form."""

from collections.abc import AsyncIterator
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from service.errors import BodyTooLarge, MalformedUpload, UnsupportedMediaType
from service.settings import Settings
from service.values import Body, Upload

FORM = "multipart/form-data"
FIELD = b"file"
MOST_PARTS = 32  # of a form; a million empty ones would keep the event loop busy for a second


async def read(body: Body, settings: Settings) -> Upload:
    """The uploaded file.

    Raises:
        UnsupportedMediaType: neither image/* nor multipart/form-data; nothing was read.
        BodyTooLarge: by Content-Length before reading, else as soon as a chunk exceeds the cap.
        MalformedUpload: a form without exactly one part named `file`.
    """
    media_type = body.content_type.partition(";")[0].strip().lower()
    if media_type != FORM and not media_type.startswith("image/"):
        shown = f"{media_type[:100]!r}" if media_type else "missing"
        raise UnsupportedMediaType(f"the Content-Type is {shown}", field="content-type")
    _check_size(body.content_length or 0, settings)
    data = await _collect(body.chunks, settings)
    return Upload(_file_of(data, body.content_type) if media_type == FORM else data)


async def _collect(chunks: AsyncIterator[bytes], settings: Settings) -> bytes:
    parts, size = [], 0
    async for chunk in chunks:
        size += len(chunk)
        _check_size(size, settings)
        parts.append(chunk)
    return b"".join(parts)


def _check_size(size: int, settings: Settings) -> None:
    limit = settings.max_body_bytes
    if size > limit:
        raise BodyTooLarge(f"the body exceeds {limit} bytes", max_body_bytes=limit)


def _file_of(data: bytes, content_type: str) -> bytes:
    _, options = parse_options_header(content_type)
    if not options.get(b"boundary"):
        raise MalformedUpload("the form's Content-Type names no boundary", field="content-type")
    form = _Form()
    try:
        parser = MultipartParser(options[b"boundary"], form.callbacks())
        parser.write(data)
        parser.finalize()
    except FormParserError as error:
        raise MalformedUpload("the form cannot be parsed") from error
    if len(form.files) != 1:
        raise MalformedUpload(f"the form has {len(form.files)} parts named 'file'", field="file")
    return form.files[0]


class _Form:
    """Collects the parts named `file` while the parser walks over the body."""

    def __init__(self) -> None:
        self.files: list[bytes] = []
        self._parts = 0
        self._header = b""
        self._value = b""
        self._name = b""
        self._pieces: list[bytes] = []

    def callbacks(self) -> Any:
        return {
            "on_part_begin": self._on_part_begin,
            "on_header_field": self._on_header_field,
            "on_header_value": self._on_header_value,
            "on_header_end": self._on_header_end,
            "on_part_data": self._on_part_data,
            "on_part_end": self._on_part_end,
        }

    def _on_part_begin(self) -> None:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise MalformedUpload(f"the form has more than {MOST_PARTS} parts")

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            _, options = parse_options_header(self._value)
            self._name = options.get(b"name", b"")
        self._header = self._value = b""

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._name == FIELD:
            self._pieces.append(data[start:end])

    def _on_part_end(self) -> None:
        if self._name == FIELD:
            self.files.append(b"".join(self._pieces))
        self._name, self._pieces = b"", []
