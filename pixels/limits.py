"""How large an image may be."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Of one image, held against what its header claims before any decoder sees it."""

    max_pixels: int = 50_000_000  # width × height
    max_side: int = 16_384  # pixels
    max_decode_bytes: int = 400_000_000  # of memory, from the file to upright RGB
