"""Switches of the C libraries beneath Pillow that Python has no names for."""

import ctypes
from contextlib import suppress
from pathlib import Path

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h
LARGE_BYTES = 2 << 20  # a block of its own, from the system and back; 640×480 pixels are less
KEPT_BYTES = 16 << 20  # of each heap's free end, so that small pictures cost no system call
MAPPED = Path("/proc/self/maps")


def return_large_blocks() -> None:
    """Give freed blocks of LARGE_BYTES back to the system at once.

    glibc gives blocks of up to 32 MB to their thread's heap, where the next one seldom fits: a few
    large photographs would leave hundreds of megabytes behind that nobody uses.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)


def silence_libtiff() -> None:
    """Keep libtiff from writing to stderr: of a broken fax, a line for each row."""
    with suppress(OSError, AttributeError):  # no /proc, or a Pillow that is linked otherwise
        lines = MAPPED.read_text().splitlines()
        path = next((line.split()[-1] for line in lines if "libtiff" in line), None)
        if path is not None:
            ctypes.CDLL(path).TIFFSetErrorHandler(None)
