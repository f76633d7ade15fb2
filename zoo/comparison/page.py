"""Writes docs/comparison.md from the results: the table, and what may be said of it."""

from collections.abc import Iterable, Sequence

from contract.recipe import Figure
from zoo.comparison.latency import BATCHES, Latency
from zoo.comparison.results import LARGE, Comparison, Contestant
from zoo.comparison.standings import SIGNIFICANCE, Standing, Verdict, standings

CEILING = 0.99  # a reference that may be this accurate leaves the others no room
PLOT = "images/comparison.png"


def page(comparison: Comparison) -> str:
    """The content of docs/comparison.md."""
    found = standings(comparison)
    return "\n".join(
        [
            "# Which attention is worth its cost",
            "",
            "Written by `python -m zoo compare --report-only` from the results in",
            "`benchmarks/results/comparison.json`; a test holds this page against them.",
            "",
            *_findings(comparison, found),
            "",
            f"![Accuracy against latency, one point a mechanism]({PLOT})",
            "",
            *_table(comparison, found),
            "",
            "## How it was measured",
            "",
            *(f"- {line}" for line in _method(comparison)),
            "",
        ]
    )


def _findings(comparison: Comparison, found: Sequence[Standing]) -> Iterable[str]:
    """What the rules allow to be said, a list item each."""
    reference = next(one for one in found if one.network == comparison.reference)
    yield f"`{reference.network}`, without attention, is right on {_share(reference.accuracy)}."
    if reference.accuracy.high >= CEILING:
        yield "That is near the ceiling: this task is too easy to tell good mechanisms apart."
    yield ""
    for verdict, words in (
        (Verdict.BETTER, "More accurate by more than noise"),
        (Verdict.WORSE, "Less accurate by more than noise"),
        (Verdict.NOISE, "Within noise, so that no order among them is claimed"),
        (Verdict.LOST, "Did not learn by this schedule, which says nothing about a better one"),
    ):
        named = [_named(comparison, one) for one in found if one.verdict is verdict]
        yield f"- {words}: {', '.join(named) or 'none'}."
    yield f"- {_scope(len(comparison.seeds(comparison.reference)))}"


def _scope(seeds: int) -> str:
    if seeds == 1:
        return (
            "**Each network was trained once.** The intervals hold the chance in the choice of "
            "test images, not the chance in the training: another seed gives other weights, and a "
            'difference of this size may then vanish or turn round. "More than noise" is about '
            "these weights, not yet about the mechanism."
        )
    return (
        f"Each network was trained from {seeds} seeds. The intervals hold the chance in the "
        "choice of test images; the lowest and the highest seed show the chance in the training."
    )


def _table(comparison: Comparison, found: Sequence[Standing]) -> Iterable[str]:
    costs = {one.network: one for one in comparison.contestants}
    several = len(comparison.seeds(comparison.reference)) > 1
    header = ["attention", "test accuracy", "against none", "", "parameters", "million MACs"]
    header += [f"latency, batch {batch}" for batch in BATCHES]
    if several:
        header.insert(2, "seeds")
    yield _row(header)
    yield _row(["---"] * len(header))
    for one in found:
        cells = [
            f"`{costs[one.network].attention}`",
            _share(one.accuracy),
            _points(one.difference) if one.difference else "",
            one.verdict.value if one.verdict else "",
            f"{costs[one.network].parameters:,}",
            _macs(costs[one.network]),
            *(_times(comparison.latency(one.network, batch)) for batch in BATCHES),
        ]
        if several:
            cells.insert(2, f"{100 * one.lowest:.1f}–{100 * one.highest:.1f}")
        yield _row(cells)
    yield ""
    yield (
        "Accuracy in per cent and differences in percentage points, with 95 % intervals; latency "
        "is a multiple of what the network without attention takes, with its quartiles. The "
        "picture leaves out what did not learn."
    )


def _method(comparison: Comparison) -> Iterable[str]:
    seeds = ", ".join(map(str, comparison.seeds(comparison.reference)))
    baseline = [comparison.latency(comparison.reference, batch) for batch in BATCHES]
    times = " and ".join(f"{one.milliseconds:.2f} ms at batch {one.batch}" for one in baseline)
    for name, value in comparison.settings.items():
        yield f"{name.capitalize()}: {value}."
    yield f"Seeds: {seeds}; the same images in the same order for every network of a seed."
    yield f"Trained with {comparison.trained_with}."
    yield (
        "Accuracy is that of the weights as they are stored and read back: as float16, and the "
        f"layers of networks of over {LARGE / 1e6:.0f} million parameters as int8. "
        "The epoch kept is the best on the validation images; the test images decide nothing."
    )
    yield (
        "Against none: the difference on the same test images, its interval by a paired bootstrap "
        "over the images. A difference is more than noise if an exact paired test (McNemar's, with "
        f"one seed) adjusted for {len(comparison.contestants) - 1} comparisons by Holm's method "
        f"gives p < {SIGNIFICANCE} and every seed lies on the same side of every seed of the other."
    )
    yield (
        "Latency: the exported graphs on one thread; all networks take turns in one process, "
        "and each round's time is divided by that of the network without attention in the same "
        f"round. Without attention it is {times}. Timed on {comparison.timed_on}."
    )
    yield (
        "MACs are counted in convolutions and linear layers; after a plus sign, in products of "
        "activations. They do not forecast the time: see the table."
    )


def _named(comparison: Comparison, one: Standing) -> str:
    attention = next(c.attention for c in comparison.contestants if c.network == one.network)
    ratio = comparison.latency(one.network, 1).ratio
    gain = f"{100 * one.difference.value:+.1f} points, " if one.difference else ""
    return f"`{attention}` ({gain}{ratio:.2f} × the time)"


def _share(figure: Figure) -> str:
    return f"{100 * figure.value:.1f} % ({100 * figure.low:.1f}–{100 * figure.high:.1f})"


def _points(figure: Figure) -> str:
    return f"{100 * figure.value:+.1f} ({100 * figure.low:+.1f} to {100 * figure.high:+.1f})"


def _macs(one: Contestant) -> str:
    layers = f"{one.layer_macs / 1e6:.1f}"
    return f"{layers} + {one.matmul_macs / 1e6:.1f}" if one.matmul_macs else layers


def _times(one: Latency) -> str:
    return f"{one.ratio:.2f} ({one.low:.2f}–{one.high:.2f})"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
