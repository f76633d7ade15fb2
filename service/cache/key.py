"""What makes two requests the same: the image's bytes, who answers, and what is asked of him."""

from dataclasses import dataclass
from hashlib import sha256

from service.values import Upload, Wish


@dataclass(frozen=True, slots=True)
class Question:
    """The part of a wish that changes the answer."""

    top_k: int | None
    class_maps: bool
    score_threshold: float | None
    max_detections: int | None
    render: bool

    @classmethod
    def of(cls, wish: Wish) -> "Question":
        """What ``wish`` asks of whichever model it comes to."""
        return cls(
            wish.top_k, wish.class_maps, wish.score_threshold, wish.max_detections, wish.render
        )


@dataclass(frozen=True, slots=True)
class Key:
    """Equal keys have equal answers."""

    digest: bytes  # SHA-256 (FIPS 180-4) of the file: nobody can make two that are taken for one
    model: str
    version: str  # the one that computes, or computed, the answer
    generation: int  # rises whenever the model's versions or recipe change
    question: Question


def digest(upload: Upload) -> bytes:
    """Of the file's bytes alone; other threads run meanwhile."""
    return sha256(upload.data).digest()
