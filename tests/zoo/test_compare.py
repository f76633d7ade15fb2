"""The comparison: resumed where it was stopped, honest about noise, its page made of results."""

import json
from pathlib import Path

import numpy as np
import pytest

from runtime.launch import TritonConfig, server_environment
from runtime.wheel import TritonWheel
from zoo import compare as comparing
from zoo import latency, weights
from zoo.__main__ import main
from zoo.cli_compare import PAGE, RESULTS
from zoo.compare import NETWORKS, REFERENCE
from zoo.comparison import Comparison, Contestant, Trial, from_json, packed, to_json, unpacked
from zoo.comparison_page import page
from zoo.job import Job
from zoo.latency import BATCHES, Latency
from zoo.standings import Verdict, standings

ROOT = Path(__file__).parents[2]
IMAGES = 1000
TINY = [
    *("compare", "--only", "eca", "--epochs", "1", "--images", "24"),
    *("--validation-images", "12", "--test-images", "18", "--seconds", "0.05"),
]


def trial(network: str, seed: int, wrong: range) -> Trial:
    right = [image not in wrong for image in range(IMAGES)]
    return Trial(
        network=network, seed=seed, best_epoch=1, images=IMAGES, right=packed(right), ece=0.1
    )


def comparison(wrong: dict[str, list[range]]) -> Comparison:
    """Of networks that are wrong on these images, a range a seed."""
    networks = [f"mbv2_{attention}" for attention in wrong]
    return Comparison(
        reference=REFERENCE,
        settings={"data": "a thousand drawings", "schedule": "epochs 1"},
        trained_with="a machine",
        timed_on="the same",
        contestants=tuple(
            Contestant(
                network=f"mbv2_{attention}",
                attention=attention,
                parameters=1_000_000,
                layer_macs=62_000_000,
                matmul_macs=0,
            )
            for attention in wrong
        ),
        trials=tuple(
            trial(f"mbv2_{attention}", seed, images)
            for attention, ranges in wrong.items()
            for seed, images in enumerate(ranges)
        ),
        latencies=tuple(
            Latency(network=name, batch=batch, milliseconds=2.5, ratio=1 + i / 4, low=0.9, high=2.0)
            for i, name in enumerate(networks)
            for batch in BATCHES
        ),
    )


ONE_SEED = {
    "none": [range(100)],
    "se": [range(50)],  # 50 images more
    "eca": [range(5, 104)],  # 5 images more, 4 fewer
    "gam": [range(160)],  # 60 images fewer
}
THREE_SEEDS = {
    "none": [range(90), range(100), range(110)],
    "se": [range(40), range(95), range(30)],  # far better in the mean, but not from every seed
    "eca": [range(50), range(45), range(55)],
}


def verdicts(wrong: dict[str, list[range]]) -> dict[str, Verdict | None]:
    return {one.network: one.verdict for one in standings(comparison(wrong))}


def test_what_is_more_than_noise_and_what_is_not() -> None:
    assert verdicts(ONE_SEED) == {
        "mbv2_none": None,
        "mbv2_se": Verdict.BETTER,
        "mbv2_eca": Verdict.NOISE,
        "mbv2_gam": Verdict.WORSE,
    }


def test_a_mean_that_one_seed_contradicts_is_noise() -> None:
    found = verdicts(THREE_SEEDS)
    assert found["mbv2_se"] is Verdict.NOISE
    assert found["mbv2_eca"] is Verdict.BETTER


def test_standings_are_ordered_and_hold_mean_and_spread() -> None:
    found = standings(comparison(THREE_SEEDS))
    assert [one.network for one in found] == ["mbv2_eca", "mbv2_se", "mbv2_none"]
    assert found[0].accuracy.value == pytest.approx(0.95)
    assert (found[0].lowest, found[0].highest) == pytest.approx((0.945, 0.955))
    assert found[0].difference is not None
    assert found[0].difference.value == pytest.approx(0.05)


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


def test_results_survive_json() -> None:
    found = comparison(THREE_SEEDS)
    assert from_json(to_json(found)) == found


@pytest.mark.parametrize("images", [1, 8, 13, 3000])
def test_answers_survive_packing(images: int) -> None:
    right = np.random.default_rng(images).random(images) < 0.5
    digits = packed(right.tolist())
    assert len(digits) == 2 * -(-images // 8)
    assert (unpacked(digits, images) == right).all()


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
        assert isinstance(card, weights.ModelCard)
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


def test_ratios_are_of_the_same_round() -> None:
    # one busy round hits both networks: the ratio stays 2
    spent = {"none": [1.0, 1.0, 8.0, 1.0], "slow": [2.0, 2.0, 16.0, 2.0]}
    found = {one.network: one for one in latency.compared(spent, "none", 1)}
    assert (found["slow"].ratio, found["slow"].low, found["slow"].high) == (2.0, 2.0, 2.0)
    assert found["slow"].milliseconds == 2000.0
    assert found["none"].ratio == 1.0


def test_networks_are_timed_as_the_runtime_runs_them() -> None:
    wheel = TritonWheel(Path(), Path(), Path(), Path(), ())
    served = server_environment(TritonConfig(Path(), threads=1), wheel, {})
    assert latency.ENVIRONMENT.items() <= served.items()


def test_calls_take_turns() -> None:
    turns: list[str] = []
    spent = latency.interleaved({name: lambda n=name: turns.append(n) for name in "ab"}, 0.0)
    assert turns[2 * latency.WARM_UP :] == ["a", "b"] * latency.FEWEST_ROUNDS
    assert {len(times) for times in spent.values()} == {latency.FEWEST_ROUNDS}
