"""The learning curve: loss and score of every epoch so far, as a picture."""

from collections.abc import Sequence
from io import BytesIO

from zoo.training.epochs import Epoch, best

LOSS, SCORE = "tab:blue", "tab:orange"


def draw_curve(epochs: Sequence[Epoch]) -> bytes:
    """A PNG with the loss on the left axis, the validation score on the right, the best marked."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - takes most of a second to import
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415

    numbers = range(1, len(epochs) + 1)
    kept = best(epochs)
    figure = Figure(figsize=(7, 4), dpi=110, layout="constrained")  # inches
    losses = figure.add_subplot(xlabel="epoch")
    scores = losses.twinx()
    losses.plot(numbers, [epoch.loss for epoch in epochs], color=LOSS, marker=".")
    losses.set_ylabel("training loss", color=LOSS)
    scores.plot(numbers, [epoch.score for epoch in epochs], color=SCORE, marker=".")
    scores.set_ylabel("validation score", color=SCORE)
    scores.plot(kept + 1, epochs[kept].score, color=SCORE, marker="o", markersize=9)
    losses.set_title(f"kept: epoch {kept + 1}, score {epochs[kept].score:.4f}")
    losses.xaxis.set_major_locator(MaxNLocator(integer=True))
    picture = BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()
