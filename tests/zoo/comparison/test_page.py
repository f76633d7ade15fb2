"""The page of a comparison: made of the results alone, and no bolder than they are."""

from pathlib import Path

import pytest

from tests.zoo.comparison.made_up import ONE_SEED, THREE_SEEDS, comparison
from zoo.__main__ import main
from zoo.commands.compare import PAGE, RESULTS
from zoo.comparison.page import page
from zoo.comparison.results import to_json

ROOT = Path(__file__).parents[3]


def test_one_seed_is_called_one() -> None:
    text = page(comparison(ONE_SEED))
    assert "**Each network was trained once.**" in text
    assert "- More accurate by more than noise: `se` (+5.0 points, 1.25 × the time).\n" in text
    assert "| `none` | 90.0 % (88.0–91.7) |  |  |" in text


def test_several_seeds_show_their_spread() -> None:
    text = page(comparison(THREE_SEEDS))
    assert "trained from 3 seeds" in text
    assert "trained once" not in text
    assert "| 94.5–95.5 |" in text


def test_a_task_that_is_too_easy_is_called_so() -> None:
    assert "near the ceiling" in page(comparison({"none": [range(4)], "se": [range(3)]}))
    assert "near the ceiling" not in page(comparison(ONE_SEED))


@pytest.mark.parametrize("committed", [False, *[True] * (ROOT / RESULTS).exists()])
def test_the_page_is_that_of_the_results(committed: bool, tmp_path: Path) -> None:
    results, there = tmp_path / "results.json", tmp_path / "page.md"
    results.write_text(to_json(comparison(ONE_SEED)))
    there.write_text(page(comparison(ONE_SEED)))
    if committed:
        results, there = ROOT / RESULTS, ROOT / PAGE
    again = tmp_path / "again.md"
    arguments = ["--results", str(results), "--page", str(again)]
    assert main(["compare", "--report-only", *arguments]) == 0
    assert again.read_text() == there.read_text()
    assert (tmp_path / "images/comparison.png").read_bytes().startswith(b"\x89PNG")
