"""What takes long and is shown on a smaller sample anyway: `make thorough` runs it, too."""

import os
from collections.abc import Sequence

import pytest

THOROUGH = os.environ.get("THOROUGH") == "1"
thorough = pytest.mark.skipif(not THOROUGH, reason="takes long: `make thorough` runs it")


def some(names: Sequence[str], *of_them: str) -> tuple[str, ...]:
    """Those named, or all where there is time."""
    return tuple(names) if THOROUGH else tuple(name for name in names if name in of_them)
