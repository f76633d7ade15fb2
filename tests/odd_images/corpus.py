"""All of it: a few thousand small files and some bombs, or with ODD_IMAGES=all many more."""

import os
from collections.abc import Iterator

from tests.odd_images import (
    bmp_files,
    bombs,
    damaged_files,
    foreign_files,
    gif_files,
    jpeg_files,
    png_files,
    tiff_files,
    webp_files,
)
from tests.odd_images.odd import Odd

ALL = os.environ.get("ODD_IMAGES") == "all"
KINDS = {
    "png": png_files.files,
    "bmp": bmp_files.files,
    "gif": gif_files.files,
    "tiff": tiff_files.files,
    "jpeg": jpeg_files.files,
    "webp and avif": webp_files.files,
    "foreign": foreign_files.files,
    "damaged": lambda: damaged_files.files(8 if ALL else 1),
}


def small() -> Iterator[Odd]:
    """Those that are quick to make and, where they can be read, quick to read."""
    for files in KINDS.values():
        yield from files()


def large() -> Iterator[Odd]:
    """Those that are made to be costly."""
    yield from bombs.files(bombs.QUICK | bombs.SLOW if ALL else bombs.QUICK)
