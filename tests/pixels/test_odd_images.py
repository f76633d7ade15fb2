"""Each odd file gives the pixels that its specification says, or our own error, and soon."""

import time

import numpy as np
import pytest

from pixels.decode import configure_pillow, decode
from pixels.errors import TooLargeError, UnreadableError
from pixels.limits import Limits
from tests.odd_images.corpus import KINDS
from tests.odd_images.odd import Odd

LIMITS = Limits()
MOST_SECONDS = 3  # of the processor; the slowest of the small ones take less than one


def fault(odd: Odd) -> str:
    """What is wrong with what comes out, if anything is."""
    started = time.thread_time()
    try:
        read = np.asarray(decode(odd.data, LIMITS))
    except (UnreadableError, TooLargeError) as error:
        return f"is refused: {error}" if odd.refused is False else ""
    finally:
        seconds = time.thread_time() - started
    if seconds > MOST_SECONDS:
        return f"takes {seconds:.1f} s"
    if odd.refused:
        return f"is read, as {read.shape}"
    if odd.pixels is None:
        return ""
    if read.shape != odd.pixels.shape:
        return f"is {read.shape} instead of {odd.pixels.shape}"
    off = int(np.abs(read.astype(int) - odd.pixels).max())
    return f"is off by {off} levels" if off > odd.near else ""


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_read_is_read_right(kind: str) -> None:
    configure_pillow()
    faults = [(odd.name, fault(odd)) for odd in KINDS[kind]()]
    assert len(faults) > 50
    assert len(dict(faults)) == len(faults)  # their names are their own
    assert [(name, words) for name, words in faults if words] == []
