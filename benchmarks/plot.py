"""results/serving.json to results/serving.svg: `python -m benchmarks.plot` draws it again."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.bare_loop import best
from benchmarks.comparison import Value, equal, figure, over, overload
from benchmarks.report import FOLDER
from benchmarks.results import Results, SystemResult, read
from benchmarks.systems import FOVEA, TRITON

OURS, OTHERS, LIMIT = "#c2410c", "#64748b", "#0f172a"


def write(results: Results, file: Path) -> None:
    """Three panels: throughput, latency at equal arrivals, goodput under overload."""
    mpl.rcParams.update({"svg.hashsalt": "fovea", "font.size": 9})  # the same file each time
    systems = [one for one in results.systems if one.visits and one.name != TRITON]
    page = Figure(figsize=(12, 0.6 + 0.5 * max(3, len(systems))), layout="constrained")
    throughput, latency, goodput = page.subplots(1, 3, sharey=True)
    _bars(throughput, systems, lambda visit: visit.capacity)
    full = max(best(results.bare_before), best(results.bare_after))
    throughput.axvline(full, color=LIMIT, linestyle=":", label="bare loop")
    throughput.legend(loc="lower right")
    throughput.set_title("answers/s, best of 1, 8, 32 clients")
    _bars(latency, systems, figure(equal, "p99_ms"))
    latency.set_title("p99 ms, equal Poisson arrivals")
    _bars(goodput, systems, figure(overload, "good_per_second"))
    goodput.set_title("good answers/s at 3 × capacity")
    page.savefig(file, metadata={"Date": None})


def _bars(axes: Axes, systems: list[SystemResult], value: Value) -> None:
    """A bar a system, the first on top; whiskers from the smallest to the largest repeat."""
    places = np.arange(len(systems))[::-1]
    for place, system in zip(places, systems, strict=True):
        found = over(system, value)
        if found is None:
            continue
        whiskers = [[found.median - found.low], [found.high - found.median]]
        colour = OURS if system.name == FOVEA else OTHERS
        axes.barh(place, found.median, xerr=whiskers, color=colour, height=0.65, capsize=2)
    axes.set_yticks(places, [system.name for system in systems])
    axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    write(read(FOLDER / "serving.json"), FOLDER / "serving.svg")
