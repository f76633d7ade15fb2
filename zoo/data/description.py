"""Data in a few words and figures, for cards and for run folders."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """What a network was trained, selected and tested on.

    ``seed`` decides every image that is drawn, and how images that were brought are dealt out.
    """

    task: str
    seed: int
    train: int  # images
    validation: int
    test: int
    sha256: str | None = None  # of the names and bytes of files that were brought

    @property
    def brought(self) -> bool:
        """Whether the images came from a user's files, and were not drawn here."""
        return self.sha256 is not None

    def __str__(self) -> str:
        sizes = f"{self.train} train, {self.validation} validation, {self.test} test images"
        files = f" (SHA-256 {self.sha256})" if self.sha256 else ""
        return f"{self.task}, seed {self.seed}: {sizes}{files}"
