"""How much memory a result holds on to, as far as it can be told without weighing each object."""

from collections.abc import Iterator
from typing import Any

from numpy.typing import NDArray

from service.values import Findings, Result

# Bytes of CPython 3.11 to 3.13, objects and their places in tuples and tables; names of models,
# versions and classes are the recipe's and cost nothing. tests/service/test_cache.py weighs them.
ENTRY = 620  # an empty Result with its Findings, its Key with digest and Question, its places
LABEL = 130  # Label with a score and a class id
DETECTION = 360  # Detection with Label and Box
MASK = 540  # Mask without its grid and its run lengths
CLASS_MAP = 320  # ClassMap without its parts; the label is one of the first


def size(result: Result) -> int:
    """Bytes that ``result`` and its key take."""
    findings = result.findings
    counted = ENTRY + len(result.picture or b"")
    counted += LABEL * len(findings.labels or ())
    counted += CLASS_MAP * len(findings.class_maps or ())
    for found in findings.detections or ():
        counted += DETECTION
        if found.mask is not None:
            counted += MASK + len(found.mask.counts)
    # Maps and grids are parts of the tensors that Triton sent, and keep the whole of them.
    return counted + sum(dict(map(_held, _arrays(findings))).values())


def _arrays(findings: Findings) -> Iterator[NDArray[Any]]:
    for one in findings.class_maps or ():
        yield one.parts
    for found in findings.detections or ():
        if found.mask is not None:
            yield found.mask.grid


def _held(array: NDArray[Any]) -> tuple[int, int]:
    """Whose memory ``array`` shows, and how much that is."""
    owner: Any = array
    while getattr(owner, "base", None) is not None:
        owner = owner.base
    return id(owner), memoryview(owner).nbytes
