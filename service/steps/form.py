"""A multipart form to what it uploads: by the names of its parts."""

from collections.abc import Sequence
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from service.errors import MalformedUpload, TooManyImages
from service.values import Upload, Uploads

NAMES = ((b"file",), (b"data", b"body"))  # the first of them that a form has; then TorchServe's
MOST_OTHER_PARTS = 32
LONGEST_NAME = 255  # characters of a file's name that are repeated


def files(data: bytes, content_type: str, max_images: int) -> Upload | Uploads:
    """The parts named `file`, or else `data` or `body`; or else the only one that is a file.

    Several are a batch, one is not.

    Raises:
        MalformedUpload: a form that cannot be parsed, or has no such part.
        TooManyImages: more of them than ``max_images``.
    """
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if not boundary:
        raise MalformedUpload("the form's Content-Type names no boundary", field="content-type")
    most = max_images + MOST_OTHER_PARTS
    # The parser stops at whatever looks like a boundary, and takes its time.
    if data.count(b"\r\n--" + boundary) > most:
        raise MalformedUpload(f"the form has more than {most} parts")
    form = _Form()
    try:
        parser = MultipartParser(boundary, form.callbacks())
        parser.write(data)
        parser.finalize()
    except FormParserError as error:
        raise MalformedUpload("the form cannot be parsed") from error
    if not form.complete:
        raise MalformedUpload("the form is cut short")
    found = _images(form.parts)
    if not found:
        raise MalformedUpload("the form has no part named 'file'", field="file")
    if len(found) > max_images:
        raise TooManyImages(f"the form has {len(found)} files", field="file", max_images=max_images)
    return found[0] if len(found) == 1 else Uploads(tuple(found))


def _images(parts: Sequence[tuple[bytes, Upload]]) -> list[Upload]:
    for names in NAMES:
        if found := [upload for name, upload in parts if name in names]:
            return found
    found = [upload for _, upload in parts if upload.name]
    return found if len(found) == 1 else []


class _Form:
    """Collects the parts and their names while the parser walks over the body."""

    def __init__(self) -> None:
        self.parts: list[tuple[bytes, Upload]] = []
        self.complete = False
        self._header = b""
        self._value = b""
        self._name = b""
        self._file_name = ""
        self._pieces: list[bytes] = []

    def callbacks(self) -> Any:
        return {
            "on_header_field": self._on_header_field,
            "on_header_value": self._on_header_value,
            "on_header_end": self._on_header_end,
            "on_part_data": self._on_part_data,
            "on_part_end": self._on_part_end,
            "on_end": self._on_end,
        }

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            _, options = parse_options_header(self._value)
            self._name = options.get(b"name", b"")
            self._file_name = options.get(b"filename", b"").decode(errors="replace")
        self._header = self._value = b""

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        self._pieces.append(data[start:end])

    def _on_part_end(self) -> None:
        upload = Upload(b"".join(self._pieces), self._file_name[:LONGEST_NAME])
        self.parts.append((self._name, upload))
        self._name, self._file_name, self._pieces = b"", "", []

    def _on_end(self) -> None:
        self.complete = True
