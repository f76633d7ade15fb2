"""The picture of a comparison: accuracy against latency, one point a network."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.comparison.latency import BATCHES, Latency
from zoo.comparison.results import Comparison
from zoo.comparison.standings import Standing, Verdict, standings
from zoo.evaluation.pictures import blank, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = {
    Verdict.BETTER: "tab:green",
    Verdict.WORSE: "tab:red",
    Verdict.NOISE: "tab:grey",
    None: "black",  # the reference
}


def draw_comparison(file: Path, comparison: Comparison) -> None:
    """Write the picture; bars are the intervals of the page's table."""
    every = standings(comparison)
    found = [one for one in every if one.verdict is not Verdict.LOST]  # far below all others
    figure = blank(6.2 * len(BATCHES), 5)
    panels = figure.subplots(1, len(BATCHES), sharey=True, squeeze=False)[0]
    for axes, batch in zip(panels, BATCHES, strict=True):
        _panel(axes, comparison, found, batch)
    panels[0].set_ylabel("test accuracy, %")
    for verdict, colour in COLOURS.items():
        panels[-1].plot([], [], "o", color=colour, label=verdict or "no attention")
    panels[-1].legend(loc="best", title="against no attention")
    save(figure, file)


def _panel(axes: "Axes", comparison: Comparison, found: list[Standing], batch: int) -> None:
    names = {one.network: one.attention for one in comparison.contestants}
    for one in found:
        latency, figure = comparison.latency(one.network, batch), one.accuracy
        value = 100 * figure.value
        axes.errorbar(
            latency.ratio,
            value,
            xerr=[[latency.ratio - latency.low], [latency.high - latency.ratio]],
            yerr=[[value - 100 * figure.low], [100 * figure.high - value]],
            fmt="o",
            color=COLOURS[one.verdict],
            elinewidth=0.6,
        )
        axes.annotate(
            names[one.network],
            (latency.ratio, value),
            xytext=(3, 3),
            textcoords="offset points",
            fontsize="small",
            rotation=35,  # neighbours stay readable
        )
    axes.set_xscale("log")
    shown = [comparison.latency(one.network, batch) for one in found]
    axes.set_xticks(*_ticks(shown))
    axes.minorticks_off()
    axes.set_xlabel("latency, multiple of no attention")
    axes.set_title(f"batch {batch}")


def _ticks(latencies: Sequence[Latency]) -> tuple[list[float], list[str]]:
    """Round ratios from below the quickest to above the slowest."""
    highest = max(one.high for one in latencies)
    lowest = min(one.low for one in latencies)
    every = (0.25, 0.5, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)
    shown = [tick for tick in every if 0.8 * lowest <= tick <= 1.2 * highest]
    return shown, [f"{tick:g}" for tick in shown]
