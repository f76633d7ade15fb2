"""What may be given as an image, and its bytes."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

Image = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO
"""A path, the bytes of a file, or a file that was opened in binary mode.

A file object is read from where it stands to its end. What kind of image it is, the gateway finds
out from the bytes: names and extensions do not matter.
"""


@dataclass(frozen=True, slots=True)
class Upload:
    """The bytes of one file, and its name where it has one."""

    data: bytes
    name: str | None = None


def load(image: Image) -> Upload:
    """The bytes of ``image``, all of them in memory: a request may have to be sent again.

    Raises:
        OSError: the file cannot be read.
        TypeError: no path, no bytes, and no file in binary mode.
    """
    if isinstance(image, bytes | bytearray | memoryview):
        return Upload(bytes(image))
    if isinstance(image, str | os.PathLike):
        path = Path(image)
        return Upload(path.read_bytes(), path.name)
    data = image.read() if hasattr(image, "read") else None
    if not isinstance(data, bytes):
        raise TypeError(
            "an image must be a path, bytes or a file opened in binary mode, "
            f"not {type(image).__name__}"
        )
    name = getattr(image, "name", None)
    return Upload(data, Path(name).name if isinstance(name, str) else None)
