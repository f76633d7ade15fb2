"""The command line: what it prints, what it writes, and how it says no."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import zoo
from zoo import weights
from zoo.__main__ import main
from zoo.classifiers import ARCHITECTURES
from zoo.detectors import DETECTORS

TINY = ["--epochs", "2", "--images", "12", "--validation-images", "6", "--test-images", "6"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with weights of a network that has seen twelve images."""
    folder = tmp_path_factory.mktemp("weights")
    assert (
        main(["train", "mbv2_none", *TINY, "--weights", str(folder), "--run", str(folder / "run")])
        == 0
    )
    return folder


def test_list_names_every_classifier_and_says_how_detectors_are_called(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["list", "--weights", str(trained)]) == 0
    *lines, last = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(ARCHITECTURES)
    assert "retinanet_, frcnn_ or mrcnn_ before the name of a classifier" in last


def test_list_of_every_detector(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--detectors"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(DETECTORS)


@pytest.mark.parametrize("name", ["retinanet_mbv2_simam", "frcnn_rn50_cbam", "mrcnn_mbv1_se"])
def test_info_of_a_detector(trained: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", name, "--json", "--weights", str(trained)]) == 0
    info = json.loads(capsys.readouterr().out)
    assert (info["task"], info["num_classes"]) == ("detection", 80)
    assert info["cost"]["layer_macs"] > 10**9
    assert (info["weights"], info["test_ap"]) == (None, None)


def test_list_for_programs(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--json", "--weights", str(trained)]) == 0
    entries = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}
    assert list(entries) == list(ARCHITECTURES)
    assert entries["mbv2_none"]["test_accuracy"].keys() == {"value", "low", "high"}
    assert entries["mbv2_simam"]["test_accuracy"] is None
    assert entries["mbv2_simam"]["place"] == "spatial_norm"
    assert "batch norm" in entries["mbv2_simam"]["where"]


def test_info_of_the_published_network(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "mbv2_simam"]) == 0
    text = capsys.readouterr().out
    for part in ("1,578,630", "62,305,152", "64×64", "6 classes", "ICML 2021", "seed 0", "%"):
        assert part in text


def test_info_without_weights_is_of_the_usual_size(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "rn50_sge", "--json"]) == 0
    info = json.loads(capsys.readouterr().out)
    assert (info["image_size"], info["num_classes"]) == (224, 1000)
    assert info["cost"]["parameters"] == 25_559_080
    assert (info["weights"], info["test_accuracy"]) == (None, None)


def test_imported_weights_are_listed_under_their_own_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = zoo.create("mbv2_simam", num_classes=6, image_size=64)
    file = tmp_path / "checkpoint.pth"
    torch.save({"state_dict": network.state_dict()}, file)
    folder = tmp_path / "weights"
    source = ["import", "seed_simam_mobilenetv2_c320", str(file), "--name", "signs"]
    assert main([*source, "--weights", str(folder)]) == 0
    assert "260 entries loaded" in capsys.readouterr().out
    assert main(["info", "signs", "--json", "--weights", str(folder)]) == 0
    assert json.loads(capsys.readouterr().out)["cost"]["parameters"] == 1_578_630
    assert main(["list", "--weights", str(folder)]) == 0
    assert capsys.readouterr().out.splitlines()[-2].split()[0] == "signs"


def test_train_then_export_then_check(trained: Path, tmp_path: Path) -> None:
    folders = ["--weights", str(trained), "--repository", str(tmp_path)]
    assert main(["export", "mbv2_none", *folders]) == 0
    assert main(["check", "mbv2_none", *folders]) == 0
    assert "no_parking_sign" in (tmp_path / "mbv2_none/config.pbtxt").read_text()


def test_evaluate_measures_what_the_card_says(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "mbv2_none", "--weights", str(trained)]) == 0
    measured, said = capsys.readouterr().out.splitlines()[-1].split("; the card says ")
    assert measured.removeprefix("all").strip() == said


def test_weights_that_no_longer_fit_are_refused(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    card = replace(weights.read_card("mbv2_none", trained), name="mbv2_simam", network="mbv2_simam")
    weights.save((trained / "mbv2_none.safetensors").read_bytes(), card, tmp_path)
    assert main(["export", "mbv2_simam", "--weights", str(tmp_path)]) == 2
    assert "no longer fit it; train it again" in capsys.readouterr().err


def test_several_models_are_exported_at_once(tmp_path: Path) -> None:
    names = ["mbv2_none", "mbv2_simam"]
    assert main(["export", *names, "--untrained", "--repository", str(tmp_path)]) == 0
    assert sorted(path.parent.parent.name for path in tmp_path.glob("*/1/model.pt")) == names


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["export", "mbv2_siman"], "Did you mean 'mbv2_simam'?"),
        (["export", "mbv2_simam", "--weights", "/nonexistent"], "mbv2_simam.json is missing"),
        (["check", "mbv2_none", "--untrained", "--repository", "/nonexistent"], "is missing; run"),
        (["evaluate", "mbv2_none", "--weights", "/nonexistent"], "mbv2_none.json is missing"),
        (["info", "mbv2_siman"], "Did you mean 'mbv2_simam'?"),
        (["import", "simam_resnet50", "/nonexistent.pth", "--name", "x"], "/nonexistent.pth"),
        (["preview", "/nonexistent/sheet.png"], "/nonexistent/sheet.png"),
    ],
)
def test_what_the_user_can_put_right_is_one_line_and_status_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    complaint = capsys.readouterr().err
    assert complaint.startswith("zoo: ")
    assert message in complaint
    assert complaint.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["preview", "sheet.txt"], "'sheet.txt' must end in .png or .jpg"),
        (["train", "mbv2_none", "--images", "-1"], "--images: -1 is too few"),
        (["paint"], "invalid choice: 'paint'"),
    ],
)
def test_arguments_without_meaning_are_named(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert message in capsys.readouterr().err


def test_it_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "zoo", "train", "mbv2_none", "--epochs", "0"]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 2
    assert "--epochs: 0 is too few" in finished.stderr
