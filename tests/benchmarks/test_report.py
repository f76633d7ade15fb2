"""From figures to the published page: medians, spread, and losses in plain sight."""

from pathlib import Path

from benchmarks import plot, report, results
from benchmarks.bare_loop import Bare
from benchmarks.comparison import MEASURES, ahead
from benchmarks.load.samples import GOOD_SECONDS, Sample, figures
from benchmarks.results import GeneratorCost, Results, Run, Settings, SystemResult, Visit
from benchmarks.spread import spread
from benchmarks.systems import FOVEA, TRITON

SETTINGS = Settings(
    repeats=3,
    seconds=1,
    lead_seconds=0,
    warm_up_seconds=0,
    bare_seconds=1,
    patience_seconds=2,
    good_seconds=GOOD_SECONDS,
)


def run(rate: int, clients: int | None = None) -> Run:
    """A second in which ``rate`` requests were answered, each in 1 / rate seconds."""
    return Run(
        clients=clients,
        offered_per_second=None if clients else float(rate),
        figures=figures([Sample(0, 0, 1 / rate, 200)] * rate, seconds=1),
        server_cpu_ms=1000 / rate,
        generator_cpu_share=0.1,
    )


def system(name: str, *rates: int) -> SystemResult:
    visits = [
        Visit(
            closed=[run(rate, clients) for clients in (1, 8, 32)],
            capacity=rate,
            equal=run(rate),
            steady=run(rate),
            overload=run(rate),
        )
        for rate in rates
    ]
    return SystemResult(name=name, version="1", how="by hand", visits=visits)


def measured(*systems: SystemResult) -> Results:
    bare = [Bare(threads=1, torch_threads=1, batch=1, images_per_second=200.0)]
    cost = GeneratorCost(
        closed_per_second=9000,
        offered_per_second=1000,
        cpu_share=0.1,
        cpu_us=100,
        late_p99_ms=0.1,
        p50_ms=0.2,
    )
    return Results(
        machine="a machine",
        image="an image",
        model="a model",
        settings=SETTINGS,
        bare_before=bare,
        bare_after=bare,
        generator=cost,
        systems=list(systems),
        left_out=["BentoML"],
    )


def test_a_figure_is_the_median_of_its_repeats_with_their_range() -> None:
    assert str(spread([240.2, 251, 246, None])) == "246 (240–251)"
    assert str(spread([7.25])) == "7.25"
    assert spread([None]) is None


def test_who_is_better_than_fovea_is_named_best_first() -> None:
    found = measured(
        system(FOVEA, 99, 100, 101),
        system("slower", 50, 51, 52),
        system("faster", 150, 151, 152),
        system("perhaps", 100, 102, 103),
        system(TRITON, 400, 400, 400),
    )
    for measure in MEASURES:
        names = [(one.system.name, one.by_chance) for one in ahead(found, measure)]
        expected = [("faster", False), ("perhaps", True)]
        assert names == expected, measure


def test_the_page_shows_losses_failures_and_what_was_left_out(tmp_path: Path) -> None:
    broken = system("broken")
    broken.failures.append("no answer")
    found = measured(system(FOVEA, 100), system("faster", 150), broken)
    report.write(found, tmp_path / "page.md")
    page = (tmp_path / "page.md").read_text()
    assert "| answers/s, 8 clients | 100 | faster 150 |" in page
    assert "Not installed and left out: BentoML." in page
    assert "broken failed 1 of 3 visits: no answer." in page


def test_results_survive_their_file_and_the_plot_is_the_same_each_time(tmp_path: Path) -> None:
    found = measured(system(FOVEA, 99, 100, 101), system("faster", 150))
    results.save(found, tmp_path / "serving.json")
    assert results.read(tmp_path / "serving.json") == found
    for name in ("one.svg", "two.svg"):
        plot.write(found, tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
