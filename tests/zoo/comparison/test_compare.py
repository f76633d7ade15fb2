"""The comparison: from nothing to its files, resumed where it was stopped, never trained twice."""

import json
import shutil
from pathlib import Path

import pytest

from zoo import weights
from zoo.__main__ import main
from zoo.cards.classifier import ModelCard
from zoo.comparison import compare as comparing
from zoo.comparison.compare import NETWORKS, REFERENCE
from zoo.comparison.latency import BATCHES
from zoo.comparison.page import page
from zoo.comparison.results import from_json
from zoo.training.job import Job

TINY = [
    *("compare", "--only", "eca", "--epochs", "1", "--images", "24"),
    *("--validation-images", "12", "--test-images", "18", "--seconds", "0.05"),
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a comparison of two networks that have seen 24 images."""
    folder = tmp_path_factory.mktemp("comparison")
    assert main([*TINY, "--folder", str(folder)]) == 0
    return folder


def test_it_trains_measures_and_reports_from_nothing(finished: Path) -> None:
    found = from_json((finished / "comparison.json").read_text())
    assert [trial.network for trial in found.trials] == ["mbv2_none", "mbv2_eca"]
    assert [found.latency(REFERENCE, batch).ratio for batch in BATCHES] == [1.0, 1.0]
    for trial in found.trials:
        card = weights.read_trained_card(trial.network, finished / "seed0")
        assert isinstance(card, ModelCard)
        assert trial.accuracy == card.test_accuracy.value
    stored = (finished / "seed0/mbv2_none.safetensors").stat().st_size
    assert stored < 0.55 * 4 * found.contestants[0].parameters
    assert "| `eca` |" in (finished / "comparison.md").read_text()
    assert not list((finished / "runs").iterdir())


def test_other_settings_are_refused_and_named(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*TINY, "--epochs", "2", "--folder", str(finished)]) == 2
    complaint = capsys.readouterr().err
    assert "with other settings: schedule.epochs is 1 there and 2 now; go on" in complaint


def test_publishing_trains_nothing_again_and_copies_weights_and_page(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(comparing, "publish", refuse)
    places = ["--page", "docs/page.md", "--results", "out/results.json", "--weights", "weights"]
    places = [word if word.startswith("--") else str(tmp_path / word) for word in places]
    assert main([*TINY, "--folder", str(finished), "--publish", *places]) == 0
    found = from_json((tmp_path / "out/results.json").read_text())
    assert found.trials == from_json((finished / "comparison.json").read_text()).trials
    assert (tmp_path / "docs/page.md").read_text() == page(found)
    assert (tmp_path / "docs/images/comparison.png").exists()
    for name in ("mbv2_none", "mbv2_eca"):
        assert weights.load(name, tmp_path / "weights").keys()


def test_publishing_keeps_the_weights_of_a_longer_training_and_says_so(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in (finished / "seed0").glob("mbv2_*"):
        shutil.copy(file, tmp_path)
    card = tmp_path / "mbv2_eca.json"
    longer = card.read_text().replace('"epochs": 1', '"epochs": 9')
    card.write_text(longer)
    places = ["--page", f"{tmp_path}/page.md", "--results", f"{tmp_path}/r.json"]
    arguments = [*TINY, "--folder", str(finished), "--publish", "--weights", str(tmp_path)]
    assert main([*arguments, *places]) == 0
    assert card.read_text() == longer
    assert "copied the weights of 1 networks" in capsys.readouterr().out
    assert "as their cards say: mbv2_eca." in (tmp_path / "page.md").read_text()


def test_a_misspelt_mechanism_and_broken_results_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", "--only", "ecca", "--folder", str(tmp_path)]) == 2
    assert "Did you mean 'eca'?" in capsys.readouterr().err
    broken = tmp_path / "broken.json"
    broken.write_text("{}")
    assert main(["compare", "--report-only", "--results", str(broken)]) == 2
    assert "broken.json holds no comparison" in capsys.readouterr().err


def test_an_interrupted_comparison_goes_on_in_the_middle_of_a_training(
    finished: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Stopped once the first network's epoch is written: the answers are those of an unstopped run.

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    command = [*TINY, "--folder", str(tmp_path)]
    with monkeypatch.context() as patch:
        patch.setattr(Job, "content", stop)
        assert main(command) == 130
    assert "the same command goes on" in capsys.readouterr().err
    assert (tmp_path / "runs/mbv2_none-seed0/state.safetensors").exists()
    assert main(command) == 0
    one, two = (json.loads((f / "comparison.json").read_text()) for f in (finished, tmp_path))
    assert one["trials"] == two["trials"]


def test_every_mechanism_is_compared() -> None:
    assert NETWORKS[0] == REFERENCE
    assert len(NETWORKS) == 15
