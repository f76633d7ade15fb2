"""A short run of the real thing: `make bench` for two systems."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import results
from benchmarks.processes import ROOT
from tests.e2e.stack import REPOSITORY
from tests.thorough import some, thorough


def run(*command: str) -> str:
    finished = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout[-2000:] + finished.stderr[-2000:]
    return finished.stdout


@pytest.fixture(autouse=True)
def built() -> None:
    if not (REPOSITORY / "mbv2_simam/1/model.pt").exists():
        pytest.fail("model_repository/mbv2_simam/1/model.pt is not built: run `make models`")


def test_a_quick_run_measures_fovea_and_an_alternative(tmp_path: Path) -> None:
    names = some(["Fovea", "FastAPI"], "FastAPI")
    run("benchmarks", "--quick", "--only", ",".join(names), "--results", str(tmp_path))
    found = results.read(tmp_path / "serving.json")
    assert [one.name.partition(" ")[0] for one in found.systems] == [*names]
    for system in found.systems:
        (visit,) = system.visits
        assert [one.clients for one in visit.closed] == [1, 8, 32]
        assert all(one.figures.answered > 0 for one in visit.closed)
        offered = visit.overload.figures.requests / found.settings.seconds
        assert offered > 1.5 * visit.capacity
    assert "## Overload" in (tmp_path / "serving.md").read_text()
    assert "<svg" in (tmp_path / "serving.svg").read_text()


@thorough
def test_a_quick_look_at_the_gateways_own_cost_adds_up(tmp_path: Path) -> None:
    page = run("benchmarks.cost", "--seconds", "0.5", "--repeats", "1", "--results", str(tmp_path))
    cells = [line.split("|") for line in page.splitlines() if line.startswith("|")][2:]
    micros = [float(cell[2]) for cell in cells]
    assert len(micros) == 5
    assert sum(micros[:-1]) == pytest.approx(micros[-1], rel=0.05)
