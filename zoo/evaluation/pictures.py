"""Pictures of an evaluation: the confusion matrix and the reliability diagram."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.evaluation.calibration import Calibration

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOTS_PER_INCH = 120


def draw_confusion(file: Path, confusion: Sequence[Sequence[int]], labels: Sequence[str]) -> None:
    """``confusion[i][j]`` images of class i were answered as j; colours are shares of a row."""
    totals = [max(1, sum(row)) for row in confusion]
    shares = [
        [count / total for count in row] for row, total in zip(confusion, totals, strict=True)
    ]
    side = 2.5 + 0.65 * len(labels)  # inches
    figure = blank(side, side)
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    places = range(len(labels))
    axes.set_xticks(places, labels, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(places, labels)
    axes.set_xlabel("answered")
    axes.set_ylabel("shown")
    for row in places:
        for column in places:
            colour = "white" if shares[row][column] > 0.5 else "black"
            count = str(confusion[row][column])
            axes.text(column, row, count, ha="center", va="center", color=colour)
    save(figure, file)


def draw_reliability(file: Path, found: Calibration) -> None:
    """Accuracy over confidence, bin by bin; on the diagonal a network is as good as it says."""
    figure = blank(5, 6)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    used = [one for one in found.bins if one.samples]
    places = [(one.low + one.high) / 2 for one in used]
    width = 1 / len(found.bins)
    above.bar(places, [one.accuracy or 0.0 for one in used], width, edgecolor="white")
    above.plot([one.confidence or 0.0 for one in used], [one.accuracy or 0.0 for one in used], "k.")
    above.plot((0, 1), (0, 1), "--", color="grey")
    above.set(xlim=(0, 1), ylim=(0, 1), ylabel="accuracy", title=f"ECE {found.ece:.2%}")
    below.bar(places, [one.samples for one in used], width, edgecolor="white")
    below.set(xlabel="confidence", ylabel="images")
    save(figure, file)


def blank(width: float, height: float) -> "Figure":
    """An empty picture of so many inches, drawn without a screen."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - see below
    from matplotlib.figure import Figure  # noqa: PLC0415 - takes most of a second to import

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save(figure: "Figure", file: Path) -> None:
    """Write a PNG without a date, so that the same figures give the same file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=DOTS_PER_INCH, metadata={"Software": None})
