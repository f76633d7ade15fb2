"""The command that compares attention mechanisms, and writes what it found."""

import argparse
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from zoo import weights
from zoo.attention import MECHANISMS
from zoo.cards.classifier import ModelCard
from zoo.commands.arguments import SIZES, Options, add_weights, count, given
from zoo.comparison.compare import (
    BACKBONE,
    NETWORKS,
    REFERENCE,
    ComparisonError,
    Terms,
    compare,
    weights_folder,
)
from zoo.comparison.page import PLOT, page
from zoo.comparison.plot import draw_comparison
from zoo.comparison.results import Comparison, from_json, to_json
from zoo.data.signs import CROPS
from zoo.schedules import Schedule

PAGE = Path("docs/comparison.md")
RESULTS = Path("benchmarks/results/comparison.json")
NAME = "comparison"  # of page and results in the folder of a comparison


def compare_mechanisms(options: Options) -> None:
    """Train with every attention mechanism alike, and write what each is worth."""
    for line in _compared(options):
        print(line, flush=True)


def way_back(_options: Options, _words: Sequence[str]) -> str:
    """How to go on with a comparison that was stopped."""
    return "; the same command goes on after the last whole epoch"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options; each says what holds without it."""
    usual = Schedule()
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="to train from (0)")
    parser.add_argument(
        "--epochs", type=count, metavar="N", help=f"of each training: {usual.epochs}"
    )
    for option, images in (
        ("--images", CROPS.train),
        ("--validation-images", CROPS.validation),
        ("--test-images", CROPS.test),
    ):
        parser.add_argument(option, type=count, metavar="N", help=f"signs to draw: {images}")
    parser.add_argument("--data-seed", type=int, default=0, help="of drawing (0)")
    parser.add_argument(
        "--only", metavar="A,B", help=f"these mechanisms beside none, of {', '.join(MECHANISMS)}"
    )
    parser.add_argument(
        "--seconds", type=float, default=2.0, help="to time each network for, a batch size (2)"
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path("runs/comparison"),
        metavar="DIR",
        help="of everything that was finished; the same call goes on there (runs/comparison)",
    )
    parser.add_argument(
        "--publish",
        action="store_true",
        help="write page, picture and results where they are committed, and copy the first seed's "
        "weights to those of the zoo; otherwise all of it stays in the folder",
    )
    parser.add_argument(
        "--report-only", action="store_true", help="write page and picture again, from the results"
    )
    parser.add_argument("--page", type=Path, default=PAGE, metavar="FILE", help=str(PAGE))
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FILE", help=str(RESULTS))
    add_weights(parser)


def _compared(options: Options) -> Iterator[str]:
    """Compare as ``options`` say; a line for each thing that was written."""
    if options.report_only:
        yield from _write_page(_read(options.results), options.page)
        return
    folder: Path = options.folder
    data = replace(CROPS, seed=options.data_seed, **given(options, SIZES))
    schedule = Schedule(**given(options, {"epochs": "epochs"}))
    names = _names(options.only)
    seeds = sorted(set(options.seeds))
    terms = Terms(data=data, schedule=schedule)
    found = compare(names, seeds, terms, folder, seconds=options.seconds)
    results, written = folder / f"{NAME}.json", folder / f"{NAME}.md"
    if options.publish:
        results, written = options.results, options.page
        kept = _longer_trained(weights_folder(folder, seeds[0]), names, options.weights)
        yield from _ship(weights_folder(folder, seeds[0]), names, options.weights, kept)
        found = replace(found, settings=found.settings | _shipped(kept))
    results.parent.mkdir(parents=True, exist_ok=True)
    results.write_text(to_json(found), encoding="utf-8")
    yield f"wrote {results}"
    yield from _write_page(found, written)


def _write_page(comparison: Comparison, file: Path) -> Iterator[str]:
    """The page, and its picture beside it."""
    draw_comparison(file.parent / PLOT, comparison)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(page(comparison), encoding="utf-8")
    yield f"wrote {file.parent / PLOT}"
    yield f"wrote {file}"


def _read(file: Path) -> Comparison:
    try:
        return from_json(file.read_text(encoding="utf-8"))
    except (ValueError, TypeError, KeyError) as error:
        raise ComparisonError(
            f"{file} holds no comparison ({error!r}); run one with --publish"
        ) from error


def _names(only: str | None) -> list[str]:
    """The networks to compare, REFERENCE first."""
    if only is None:
        return list(NETWORKS)
    wanted = [mechanism.strip() for mechanism in only.split(",")]
    for mechanism in wanted:
        MECHANISMS[mechanism]  # a misspelt one is told so
    return list(dict.fromkeys([REFERENCE, *(f"{BACKBONE}_{mechanism}" for mechanism in wanted)]))


def _longer_trained(source: Path, names: list[str], folder: Path) -> list[str]:
    """Of which networks ``folder`` has weights of a longer training on the same images."""
    longer = []
    for name in names:
        if weights.exist(name, folder):
            new, old = (weights.read_card(name, place) for place in (source, folder))
            assert isinstance(new, ModelCard)  # noqa: S101 - just trained
            if isinstance(old, ModelCard) and old.data == new.data:
                longer += [name] if old.schedule.epochs > new.schedule.epochs else []
    return longer


def _shipped(kept: list[str]) -> dict[str, str]:
    """What a reader must know of the weights, in the words of the page's settings."""
    if not kept:
        return {}
    return {
        "weights": "those of the table are shipped, but these are of a longer training, as their "
        f"cards say: {', '.join(kept)}"
    }


def _ship(source: Path, names: list[str], folder: Path, kept: list[str]) -> Iterator[str]:
    """Copy weights and cards, byte by byte, of all but the ``kept`` ones."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [name for name in names if name not in kept]
    for name in names:
        for suffix in ("safetensors", "json", "md"):
            shutil.copyfile(source / f"{name}.{suffix}", folder / f"{name}.{suffix}")
    yield f"copied the weights of {len(names)} networks to {folder}"
