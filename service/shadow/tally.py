"""Running sums of one candidate beside one primary; their memory does not grow."""

from dataclasses import dataclass, field

from contract.recipe import Figure, Task
from service.shadow.agreement import Agreement
from service.shadow.intervals import Sums, lasting, mean, paired, ratio, wilson

TIMED = 30  # images that both were timed on, before anything is said of their speed
LABELLED = 100  # images of known truth, before they are evidence


@dataclass(slots=True)
class Tally:
    """What came of the images that a candidate was shown.

    A figure that a verdict rests on has an interval that is right with 95 % probability at every
    look together: ``start`` is the number of images at the first one.
    """

    task: Task
    errors: int = 0  # images that the candidate could not answer
    agreement: Sums = field(default_factory=Sums)  # of every image that it answered
    distance: Sums = field(default_factory=Sums)
    iou: Sums = field(default_factory=Sums)
    missed: Sums = field(default_factory=Sums)
    extra: Sums = field(default_factory=Sums)
    primary_seconds: Sums = field(default_factory=Sums)  # of both, one right after the other
    candidate_seconds: Sums = field(default_factory=Sums)
    products: float = 0.0  # of the two
    labelled: int = 0
    both_right: int = 0
    won: int = 0  # by the candidate: it alone was right
    lost: int = 0

    @property
    def compared(self) -> int:
        """Images that the candidate answered."""
        return self.agreement.count

    @property
    def tried(self) -> int:
        """Images that it was shown."""
        return self.compared + self.errors

    def add(self, agreement: Agreement) -> None:
        """One more image that it answered."""
        self.agreement.add(agreement.share)
        self.distance.add(agreement.distance)
        self.iou.add(agreement.iou)
        self.missed.add(agreement.missed)
        self.extra.add(agreement.extra)

    def add_times(self, primary: float, candidate: float) -> None:
        """Seconds that both took for one image, alone and one right after the other."""
        self.primary_seconds.add(primary)
        self.candidate_seconds.add(candidate)
        self.products += primary * candidate

    def add_truth(self, primary: bool, candidate: bool) -> None:
        """One more image of known truth, and who was right."""
        self.labelled += 1
        self.both_right += primary and candidate
        self.won += candidate and not primary
        self.lost += primary and not candidate

    def error_share(self, start: int) -> Figure:
        """Of the images it was shown."""
        return wilson(self.errors, self.tried, lasting(self.tried, start))

    def share_agreeing(self, start: int) -> Figure:
        """Of the images it answered; of detectors, the mean F1 of the boxes."""
        return wilson(self.agreement.total, self.compared, lasting(self.compared, start))

    def slowdown(self) -> Figure | None:
        """The candidate's mean time over the primary's; None while too few were timed."""
        ours, theirs = self.primary_seconds, self.candidate_seconds
        if ours.count < TIMED:
            return None
        return ratio(ours, theirs, self.products, lasting(ours.count, TIMED))

    def gain(self) -> Figure | None:
        """The candidate's accuracy less the primary's, where enough truth is known."""
        if self.labelled < LABELLED:
            return None
        return paired(self.lost, self.won, self.labelled, lasting(self.labelled, LABELLED))

    def accuracies(self) -> tuple[Figure, Figure] | None:
        """The primary's and the candidate's, where any truth is known; at one look."""
        if not self.labelled:
            return None
        ours, theirs = self.both_right + self.lost, self.both_right + self.won
        return wilson(ours, self.labelled), wilson(theirs, self.labelled)

    def means(self) -> dict[str, Figure]:
        """By name, what else was measured and no verdict rests on; at one look."""
        measured = {
            "distance": self.distance,
            "iou": self.iou,
            "missed_boxes": self.missed,
            "extra_boxes": self.extra,
            "primary_seconds": self.primary_seconds,
            "candidate_seconds": self.candidate_seconds,
        }
        figures = {name: mean(sums) for name, sums in measured.items()}
        return {name: figure for name, figure in figures.items() if figure is not None}
