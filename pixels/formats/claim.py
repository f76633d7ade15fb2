"""What a header claims, in the terms that limits are set in."""

from dataclasses import dataclass

# Bytes a pixel while Pillow decodes: four hold RGB, RGBA or CMYK, and converting or turning a
# picture takes a copy of it.
PIXEL = 4
COPIED = 2 * PIXEL


@dataclass(frozen=True, slots=True)
class Header:
    """Size in pixels as stored, before any orientation is applied."""

    kind: str  # Pillow's name of the format
    width: int
    height: int
    working_bytes: int  # of memory, at most, from here to an upright RGB picture
    frames: int = 1
    hidden_bytes: int = 0  # that a file made for it, of the same size, may take in the place

    @property
    def reserved_bytes(self) -> int:
        """Memory to keep free for it."""
        return max(self.working_bytes, self.hidden_bytes)

    @property
    def pixels(self) -> int:
        """Width × height."""
        return self.width * self.height
