"""Reads image files one by one: names the broken ones, and remembers the bytes of all."""

import hashlib
import os
from pathlib import Path

import PIL.Image

from pixels.decode import configure_pillow, decode
from pixels.errors import TooLargeError, UnreadableError
from pixels.limits import Limits
from zoo.data.errors import DataError

MOST_BYTES = 4 * 2**30  # of prepared pixels and masks; they stay in memory while training


class Files:
    """The files of one data set, below ``root``.

    Attributes:
        broken: how many images could not be read and were left out.
    """

    def __init__(self, root: Path, *, skip_broken: bool) -> None:
        self.root = root
        self.skip_broken = skip_broken
        self.broken = 0
        self._digests: dict[bytes, bytes] = {}  # of each file, by its name below the root
        configure_pillow()

    @property
    def sha256(self) -> str:
        """In hexadecimal, of the names and the bytes of all files so far, in whatever order."""
        total = hashlib.sha256()
        for name, digest in sorted(self._digests.items()):
            total.update(name + b"\0" + digest)
        return total.hexdigest()

    def picture(self, path: Path) -> PIL.Image.Image | None:
        """The image in ``path``, upright and RGB; None for a broken one that may be skipped.

        Raises:
            DataError: it cannot be read, and broken images are not to be skipped.
        """
        try:
            return decode(self.content(path), Limits())
        except (TooLargeError, UnreadableError) as error:
            if self.skip_broken:
                self.broken += 1
                return None
            raise DataError(
                f"{path}: {_explained(error)}, remove it, or leave such files out (--skip-broken)"
            ) from error

    def content(self, path: Path) -> bytes:
        """The bytes of ``path``, which from now on count for ``sha256``.

        Raises:
            UnreadableError: there is no such file, or it must not be read.
        """
        if not path.is_file():  # a pipe would keep us waiting; a link may lead nowhere
            raise UnreadableError("no regular file")
        try:
            content = path.read_bytes()
        except OSError as error:
            raise UnreadableError(f"it cannot be read ({error.strerror})") from error
        name = os.fsencode(path.relative_to(self.root).as_posix())
        self._digests[name] = hashlib.sha256(content).digest()
        return content


def _explained(error: TooLargeError | UnreadableError) -> str:
    """What is wrong with a file, and the first thing to do about it."""
    if isinstance(error, UnreadableError):
        return f"{error}; {error.remedy or 'replace it'}"
    most = ", ".join(f"{name} {limit:,}" for name, limit in error.limits.items())
    return f"{error} ({most}); scale it down"


def refuse_too_much(root: Path, images: int, bytes_each: int, more: int = 0) -> None:
    """Raise DataError if the prepared data would fill more than MOST_BYTES."""
    needed = images * bytes_each + more
    if needed > MOST_BYTES:
        raise DataError(
            f"{root} would fill {needed / 2**30:.1f} GiB once prepared, of at most "
            f"{MOST_BYTES / 2**30:.0f}: bring fewer images, or choose a smaller image size"
        )
