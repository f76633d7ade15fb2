"""A bounded sample of images that two models see differently, for a person to look at."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from service.values import Findings, Result

MOST_BYTES = 8_000_000  # of images in one sample
MOST_LABELS = 5  # of an answer
MOST_BOXES = 100


@dataclass(frozen=True, slots=True)
class Picture:
    """A file as it was sent."""

    data: bytes
    media_type: str  # what its first bytes say, not its sender


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One image, and what the two models said."""

    number: int  # of the case, from 1
    at: datetime
    request_id: str
    primary: Result
    candidate: Result
    truth: str | None  # the caller's word
    picture: Picture | None  # None: images are not kept, or newer ones took its place


class Disagreements:
    """The newest cases; of the images that may be kept, those of the newest."""

    def __init__(self) -> None:
        self._cases: dict[int, Case] = {}  # by number, oldest first
        self._last = 0

    def __iter__(self) -> Iterator[Case]:
        """Newest first."""
        return reversed(list(self._cases.values()))

    def get(self, number: int) -> Case | None:
        """The case of that number, while it is kept."""
        return self._cases.get(number)

    def next_number(self) -> int:
        """The number of the next case; each is given once."""
        self._last += 1
        return self._last

    def add(self, case: Case, keep: int) -> None:
        """Keep ``case``, and ``keep`` in all."""
        short = replace(case, primary=_short(case.primary), candidate=_short(case.candidate))
        self._cases[case.number] = short
        for number in list(self._cases)[: max(0, len(self._cases) - keep)]:
            del self._cases[number]
        self._forget_images(MOST_BYTES)

    def forget_images(self) -> None:
        """Keep the cases without any image."""
        self._forget_images(0)

    def _forget_images(self, most: int) -> None:
        """Let the oldest images go until the rest are no more than ``most`` bytes."""
        kept = {number: case.picture for number, case in self._cases.items() if case.picture}
        size = sum(len(picture.data) for picture in kept.values())
        for number, picture in kept.items():
            if size <= most:
                break
            self._cases[number] = replace(self._cases[number], picture=None)
            size -= len(picture.data)


def _short(result: Result) -> Result:
    """What a person looks at, without what takes much memory."""
    labels, boxes = result.findings.labels, result.findings.detections
    if boxes is not None:
        boxes = tuple(replace(found, mask=None) for found in boxes[:MOST_BOXES])
    findings = Findings(labels=labels and labels[:MOST_LABELS], detections=boxes)
    return replace(result, findings=findings, picture=None)
