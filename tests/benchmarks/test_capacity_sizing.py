"""Sizing on paper: what it rests on, what it answers, what it refuses."""

import json
import re
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import systems
from benchmarks.capacity import figures
from benchmarks.capacity.__main__ import RESULTS, main
from benchmarks.capacity.figures import Batches, Figures, FiguresError
from benchmarks.capacity.sizing import ImpossibleError, Load, Model, Nodes, Sizing, size

FIGURES = Figures(
    machine="a machine",
    image_megapixels=0.3,
    image_bytes=70_000,
    decode_seconds=0.01,
    request_seconds=0.001,
    wake_seconds=0.0,
    serving=Batches(0.0, 0.0),
    variation=0.1,
    worker_mib=100.0,
    server_mib=40.0,
    instance_mib=300.0,
)
LOAD = Load(rate=500, p99_ms=100, image_megapixels=0.3, image_bytes=70_000, answer_bytes=1000)
MODEL = Model(name="any", side=64, batches=Batches(0.003, 0.002), max_batch=8)
NODES = Nodes(
    gateway_cores=2,
    triton_instances=2,
    lost=1,
    utilisation=0.6,
    decode_bytes=400 * 2**20,
    buffered_bytes=100 * 2**20,
    cache_bytes=0,
)


def sized(load: Load = LOAD, model: Model = MODEL, nodes: Nodes = NODES) -> Sizing:
    return size(load, model, FIGURES, nodes)


def fleet(sizing: Sizing) -> tuple[int, int]:
    return sizing.whole.gateways, sizing.whole.tritons


def test_the_utilisation_sets_the_number_and_those_lost_come_on_top() -> None:
    found = sized()
    # A gateway core does 250 images/s and an instance 421, of which 60 % may be used.
    assert (found.reduced.gateways, found.reduced.tritons) == (2, 1)
    assert fleet(found) == (3, 2)
    assert found.reduced.gateway_utilisation == pytest.approx(500 / 1000)
    assert found.reduced.triton_utilisation == pytest.approx(500 / 842, abs=1e-3)
    assert found.whole.p99_ms < found.reduced.p99_ms <= LOAD.p99_ms
    assert fleet(sized(nodes=replace(NODES, lost=0))) == (2, 1)


def test_the_wire_and_the_memory_are_added_up() -> None:
    found = sized()
    assert found.upload_mbit == pytest.approx(500 * 70_000 * 8 / 1e6)
    assert found.tensor_mbit == pytest.approx(500 * 64 * 64 * 3 * 8 / 1e6, abs=0.1)
    assert found.answer_mbit == pytest.approx(4)
    assert (found.gateway_mib, found.triton_mib) == (600, 640)
    assert sized(model=replace(MODEL, on_gpu=True)).triton_mib is None


def test_more_load_or_a_tighter_p99_never_takes_fewer() -> None:
    fleets = [fleet(sized(replace(LOAD, rate=rate))) for rate in (1, 200, 1000)]
    assert fleets == sorted(fleets)
    assert fleets[0] == (2, 2)
    loose, tight = (sized(replace(LOAD, p99_ms=p99)) for p99 in (100, 12))
    assert sum(fleet(loose)) < sum(fleet(tight))
    assert tight.reduced.p99_ms <= 12


def test_hits_spare_decoding_and_triton_and_a_shadow_adds_to_triton() -> None:
    load = replace(LOAD, rate=3000)
    plain, hits, shadow = (
        sized(one) for one in (load, replace(load, cache_hits=0.5), replace(load, shadow_share=0.5))
    )
    assert fleet(hits)[0] < fleet(plain)[0]
    assert fleet(hits)[1] < fleet(plain)[1] < fleet(shadow)[1]
    assert fleet(shadow)[0] == fleet(plain)[0]
    assert hits.upload_mbit == plain.upload_mbit
    assert hits.tensor_mbit == pytest.approx(plain.tensor_mbit / 2, abs=0.1)
    assert shadow.tensor_mbit == pytest.approx(plain.tensor_mbit * 1.5, abs=0.1)


def test_one_event_loop_does_not_feed_many_cores() -> None:
    few, many = (sized(nodes=replace(NODES, gateway_cores=cores)) for cores in (1, 16))
    assert few.gateway_workers == 1
    assert many.gateway_workers == 1  # 500 requests of a millisecond
    assert (
        sized(replace(LOAD, rate=2000), nodes=replace(NODES, gateway_cores=16)).gateway_workers > 1
    )


def test_what_no_number_of_nodes_can_do_is_refused() -> None:
    with pytest.raises(ImpossibleError, match="alone takes 10"):
        sized(replace(LOAD, p99_ms=5))


def test_growing_that_does_not_help_ends() -> None:
    with pytest.raises(ImpossibleError, match="gateways and"):
        sized(replace(LOAD, rate=300, p99_ms=10.65), nodes=replace(NODES, utilisation=0.99))


@pytest.mark.parametrize(
    ("seconds", "line"),
    [
        ({1: 5.0, 8: 19.0}, Batches(3.0, 2.0)),
        ({4: 8.0}, Batches(0.0, 2.0)),
        ({1: 1.0, 2: 3.0}, Batches(0.0, 4 / 3)),  # a batch that costs more than its images
        ({1: 3.0, 8: 2.0}, Batches(2.5, 0.0)),  # one that costs less than one image
    ],
)
def test_a_line_is_laid_through_the_times_of_batches(
    seconds: dict[float, float], line: Batches
) -> None:
    found = Batches.fit(seconds)
    assert found.fixed_seconds == pytest.approx(line.fixed_seconds)
    assert found.each_seconds == pytest.approx(line.each_seconds)


def test_the_published_results_are_read_as_they_are() -> None:
    known = figures.load(RESULTS)
    assert (figures.FOVEA, figures.TRITON) == (systems.FOVEA, systems.TRITON)
    cost = json.loads((RESULTS / "cost.json").read_text())
    gateway = known.decode_seconds * known.image_megapixels + known.request_seconds
    assert 1e6 * gateway == pytest.approx(sorted(cost["over_triton"])[1])
    assert known.image_bytes == 73042
    side, network = figures.batches(RESULTS, "mbv2_simam", 224)
    assert side == 224
    assert network.seconds(8) > 5 * network.seconds(1) > 0


@pytest.mark.parametrize("name", ["cost", "serving", "soak", "networks"])
def test_a_result_that_is_missing_or_broken_is_named(tmp_path: Path, name: str) -> None:
    for file in RESULTS.glob("*.json"):
        shutil.copy(file, tmp_path)
    missing = tmp_path / f"{name}.json"
    missing.unlink()
    with pytest.raises(FiguresError, match=f"{name}.json is not there"):
        figures.load(tmp_path)
    missing.write_text("{")
    with pytest.raises(FiguresError, match="is not JSON"):
        figures.load(tmp_path)
    missing.write_text("{}")
    with pytest.raises(FiguresError, match="not this version's"):
        figures.load(tmp_path)


def test_the_command_line_answers_on_a_page_and_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["size", "--rate", "500", "--p99-ms", "100", "--image-megapixels", "0.3"]
    started = time.perf_counter()
    main(command)
    assert time.perf_counter() - started < 10
    page = capsys.readouterr().out
    main([*command, "--json"])
    answer = json.loads(capsys.readouterr().out)
    whole = answer["sizing"]["whole"]
    assert re.search(rf"gateways +{whole['gateways']} of 2 cores", page)
    assert re.search(rf"Tritons +{whole['tritons']} of 2 instances", page)
    assert answer["assumptions"]
    assert all(f"- {line}" in page for line in answer["assumptions"])


def test_a_gpu_is_sized_by_the_figure_that_is_given(capsys: pytest.CaptureFixture[str]) -> None:
    options = "--rate 900 --p99-ms 200 --model detector --input-side 320"
    main(["size", *options.split(), "--gpu-images-per-second", "400", "--json"])
    answer = json.loads(capsys.readouterr().out)
    assert answer["sizing"]["whole"]["tritons"] == 4 + 1  # 900 of 400 each, used to 60 %
    assert answer["sizing"]["triton_instances"] == 5
    assert "a figure that was given" in answer["assumptions"][0]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--p99-ms", "3"], "alone takes"),
        (["--model", "nobody"], "no figures of 'nobody'"),
        (["--input-side", "77"], "at 77 pixels"),
        (["--batch-ms", "1=3,8=9"], "need --input-side"),
        (["--results", "/nowhere"], "cost.json is not there"),
    ],
)
def test_what_cannot_be_sized_is_said_in_a_line(options: list[str], told: str) -> None:
    with pytest.raises(SystemExit, match=told):
        main(["size", "--rate", "100", "--p99-ms", "100", *options])


@pytest.mark.parametrize(
    "options",
    [
        ["--rate", "0"],
        ["--rate", "nan"],
        ["--cache-hits", "1"],
        ["--utilisation", "0"],
        ["--nodes-lost", "-1"],
        ["--batch-ms", "1=3,8"],
        ["--batch-ms", "1=3", "--gpu-images-per-second", "5"],
    ],
)
def test_values_that_mean_nothing_are_a_usage_error(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["size", "--rate", "100", "--p99-ms", "100", *options])
    assert "error: argument" in capsys.readouterr().err
