"""Weighted rendezvous hashing: which of several targets a key belongs to.

Every target draws a number from the hash of route, key and target, and the least wins. With
-ln(u) / weight, u uniform in (0, 1), each wins in proportion to its weight; and since a target's
number depends on its own weight alone, a weight that grows only draws keys to its target, and one
that goes gives away its own keys and no others.

Sources: Thaler and Ravishankar, "Using name-based mappings to increase hit rates", IEEE/ACM
Transactions on Networking 6(1), 1998; the weights: Schindelhauer and Schomaker, "Weighted
distributed hash tables", SPAA 2005 (their logarithmic method).
"""

import math
from collections.abc import Mapping
from hashlib import blake2b

BITS = 52  # of the hash: (n + 1/2) / 2^52 is exact in a double, and neither 0 nor 1


def pick(route: str, weights: Mapping[str, float], key: str) -> str:
    """The target that ``key`` belongs to; the same in every process.

    At least one of ``weights`` is over 0; a target whose weight is 0 is never picked.
    """
    drawn = {
        target: -math.log(_uniform(route, target, key)) / weight
        for target, weight in weights.items()
        if weight
    }
    return min(drawn, key=drawn.__getitem__)


def _uniform(route: str, target: str, key: str) -> float:
    """A number in (0, 1); neither routes nor targets have a NUL in their names."""
    text = f"{route}\0{target}\0{key}".encode("utf-8", "backslashreplace")
    number = int.from_bytes(blake2b(text, digest_size=8).digest())
    return ((number >> (64 - BITS)) + 0.5) / (1 << BITS)
