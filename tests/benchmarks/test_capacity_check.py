"""The sizing held against a run: what is made of the figures, and the run itself."""

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from benchmarks.answers import wait_for_scores
from benchmarks.capacity import batches, foretold
from benchmarks.capacity.__main__ import main
from benchmarks.capacity.check import SHARES, Check, Decoding, Prediction, stages, steady
from benchmarks.capacity.stack import Closed
from benchmarks.load.plan import Report, Target
from benchmarks.load.samples import OK, Sample, figures
from benchmarks.photograph import photograph
from benchmarks.processes import running
from runtime.ports import Ports
from tests.e2e.stack import REPOSITORY
from tests.thorough import thorough

LONE = Closed(
    clients=1,
    answers_per_second=90,
    mean_batch=1.0,
    gateway_ms=5.0,
    triton_ms=6.0,
    generator_ms=0.5,
    p50_ms=11.0,
    p95_ms=14.0,
)
FEW = replace(LONE, clients=8, mean_batch=4.0, gateway_ms=3.5, triton_ms=3.0, generator_ms=0.3)


def answered(rate: float, ms: float) -> Report:
    samples = [Sample(n / rate, n / rate, n / rate + ms / 1000, OK) for n in range(int(rate))]
    return Report(
        figures=figures(samples, 1.0), requests_in_all=len(samples), cpu_seconds=0.1, cpu_share=0.1
    )


def test_the_simulation_is_told_what_one_client_and_a_few_have_cost() -> None:
    gateway, triton = stages(LONE, FEW, threads=2)
    assert (gateway.servers, triton.servers, triton.max_batch) == (2, 1, 8)
    assert gateway.fixed_seconds == pytest.approx(0.0038)
    assert gateway.fixed_seconds + gateway.wake_seconds == pytest.approx(0.0055)
    assert triton.seconds(1) == pytest.approx(0.006)
    assert triton.seconds(4) == pytest.approx(0.012)
    assert gateway.variation == triton.variation == pytest.approx(0.147, abs=1e-3)


def test_the_page_tells_how_far_off_the_prediction_was() -> None:
    prediction = Prediction(stages=stages(LONE, FEW, threads=2), cores=2)
    row = steady(0.5, 100.0, prediction, [answered(100, 20.0), answered(100, 40.0)])
    assert row.measured == [[20.0] * 3, [40.0] * 3]
    assert row.simulated == sorted(row.simulated)
    check = Check(
        machine="a machine",
        cores=2,
        seconds=1,
        decoding=[Decoding(megapixels=0.3, size=70_000, cpu_ms=2.4)],
        closed=[LONE, FEW],
        stages=prediction.stages,
        capacity=200,
        capacity_by_formula=250,
        steady=[replace(row, simulated=[15.0, 30.0, 60.0], by_formula=[15.0, 30.0, None])],
    )
    page = foretold.page(check)
    cells = [[cell.strip() for cell in line.split("|")[2:-1]] for line in page.splitlines()[4:8]]
    assert cells[0] == ["p50", "30.0 (20.0–40.0)", "15.0", "-50 %", "15.0", "-50 %"]
    assert cells[2][3:] == ["+100 %", "–", "–"]
    assert cells[3][0] == "answers/s"
    assert "measured 200 (+25 %)" in page
    assert "8.0" in page  # milliseconds a megapixel


@thorough
def test_a_quick_run_measures_what_it_foretells(tmp_path: Path) -> None:
    main(["check", "--seconds", "1", "--repeats", "1", "--results", str(tmp_path)])
    check = TypeAdapter(Check).validate_json((tmp_path / "capacity.json").read_bytes())
    assert [one.share for one in check.steady] == list(SHARES)
    assert all(one.measured[0][0] > 0 and one.simulated[0] > 0 for one in check.steady)
    assert check.closed[1].mean_batch > 1.2
    assert "Poisson arrivals" in (tmp_path / "capacity.md").read_text()


@thorough
def test_a_running_triton_tells_its_batches(tmp_path: Path) -> None:
    image, port = tmp_path / "photograph.jpg", Ports.choose().grpc
    image.write_bytes(photograph())
    command = [sys.executable, "-m", "runtime", "--repository", str(REPOSITORY)]
    command += ["--models", "mbv2_simam", "--grpc-port", str(port)]
    target = Target(protocol="triton", port=port, path="mbv2_simam", image=image)
    with running(command, {}, tmp_path / "log") as process:
        wait_for_scores(target, process, tmp_path / "log")
        times = asyncio.run(batches.measure(f"127.0.0.1:{port}", "mbv2_simam", 0.5))
        with pytest.raises(SystemExit, match="nobody"):
            main(["batches", "--triton", f"127.0.0.1:{port}", "--model", "nobody"])
    assert min(times) == 1
    assert max(times) >= 4
    assert times[max(times)] > 1.2 * times[1] > 0
