"""A run that was killed goes on as if it had not been, bit by bit; other runs are refused."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

from tests.thorough import some
from zoo.__main__ import main
from zoo.schedules import Schedule
from zoo.storage import serialise
from zoo.training import classifier
from zoo.training.checkpointing import CURVE, LOG, STATE, RunError, RunFolder
from zoo.training.classifier import train
from zoo.training.epochs import Run

COURSE = Schedule(epochs=4, batch_size=4, warmup_epochs=1.0)
COURSES = {
    "adamw": COURSE,
    "everything": replace(COURSE, optimizer="sgd", ema=0.9, clip=1.0, patience=3),
}
SIGNS = ["--images", "12", "--validation-images", "6", "--test-images", "6"]
TRAININGS = {
    "mbv2_none": ["--epochs", "5", "--ema", "0.9", *SIGNS],
    "frcnn_mbv2_none": ["--epochs", "3", "--image-size", "64", *SIGNS],  # samples at random
}
# The zoo's command line; one that was started in the background would not hear Ctrl-C.
PROCESS = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from zoo.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def command(name: str, folder: Path) -> list[str]:
    folders = ["--weights", str(folder / "weights"), "--run", str(folder / "run")]
    return ["train", name, *TRAININGS[name], "--device", "cpu", *folders]


def log(folder: Path) -> dict[str, object]:
    return json.loads((folder / LOG).read_text())


def stop(words: list[str], run: Path, how: signal.Signals) -> subprocess.CompletedProcess[str]:
    """Start a training in a process of its own and end it after its first whole epoch."""
    with subprocess.Popen(
        [sys.executable, "-c", PROCESS, *words],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    ) as process:
        while not (run / LOG).exists() and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(how)
        _, errors = process.communicate(timeout=60)
    return subprocess.CompletedProcess(words, process.returncode, stderr=errors)


@pytest.mark.parametrize("name", some([*TRAININGS], "mbv2_none"))
def test_a_killed_training_ends_as_one_that_was_left_alone(name: str, tmp_path: Path) -> None:
    left_alone, killed = tmp_path / "left_alone", tmp_path / "killed"
    assert main(command(name, left_alone)) == 0
    assert stop(command(name, killed), killed / "run", signal.SIGKILL).returncode == -signal.SIGKILL
    assert not log(killed / "run")["finished"]
    assert main(command(name, killed)) == 2  # without --resume, nothing is lost
    assert main([*command(name, killed), "--resume"]) == 0
    for ending in ("safetensors", "json"):
        one, other = (folder / f"weights/{name}.{ending}" for folder in (left_alone, killed))
        assert one.read_bytes() == other.read_bytes()
    assert log(left_alone / "run") == log(killed / "run")


def test_ctrl_c_says_how_to_go_on(tmp_path: Path) -> None:
    words = command("mbv2_none", tmp_path)
    stopped = stop(words, tmp_path / "run", signal.SIGINT)
    assert stopped.returncode == 130
    last = stopped.stderr.splitlines()[-1]
    assert last.endswith(f"python -m zoo {' '.join(words)} --resume")
    assert "Traceback" not in stopped.stderr


class Killed(BaseException):
    """Ends a training in the middle of an epoch, in this process."""


@pytest.fixture(scope="module")
def images() -> TensorDataset:
    torch.manual_seed(0)
    pictures = torch.randint(0, 256, (16, 8, 8, 3), dtype=torch.uint8)
    return TensorDataset(pictures, torch.arange(16) % 3)


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Dropout(), nn.Linear(144, 3)
    )


def trained(
    images: TensorDataset, course: Schedule, folder: RunFolder | None
) -> tuple[dict[str, torch.Tensor], Run]:
    model = network()
    run = train(model, images, images, course, folder)
    return model.state_dict(), run


@pytest.fixture
def interrupted(
    images: TensorDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> RunFolder:
    """A folder of COURSE after two whole epochs and half of another."""
    return interrupt(images, COURSE, tmp_path, monkeypatch)


def interrupt(
    images: TensorDataset, course: Schedule, path: Path, monkeypatch: pytest.MonkeyPatch
) -> RunFolder:
    left = iter(range(2 * 4 + 2))  # batches
    shifted = classifier._shifted

    def until_killed(*arguments: object) -> torch.Tensor:
        if next(left, None) is None:
            raise Killed
        return shifted(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(classifier, "_shifted", until_killed)
        with pytest.raises(Killed):
            trained(images, course, RunFolder(path=path, about={"network": "tiny"}))
    return RunFolder(path=path, about={"network": "tiny"}, resume=True)


@pytest.mark.parametrize("course", COURSES.values(), ids=COURSES)
def test_every_kind_of_state_comes_back(
    course: Schedule, images: TensorDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, run = trained(images, course, None)
    folder = interrupt(images, course, tmp_path, monkeypatch)
    torch.manual_seed(1234)
    resumed, rerun = trained(images, course, folder)
    assert rerun == run
    assert all(torch.equal(resumed[name], value) for name, value in state.items())


def test_a_finished_run_resumes_to_what_it_was(
    images: TensorDataset, interrupted: RunFolder
) -> None:
    first, second = (trained(images, COURSE, interrupted) for _ in range(2))
    assert serialise(first[0]) == serialise(second[0])
    assert first[1] == second[1]


def test_resuming_nothing_starts_at_the_beginning(images: TensorDataset, tmp_path: Path) -> None:
    _, run = trained(images, COURSE, RunFolder(path=tmp_path / "new", resume=True))
    assert len(run.epochs) == COURSE.epochs


def test_other_settings_are_refused_by_name(images: TensorDataset, interrupted: RunFolder) -> None:
    other = replace(interrupted, about={"network": "big"})
    with pytest.raises(RunError) as error:
        trained(images, replace(COURSE, seed=1, ema=0.5), other)
    for part in ("network is tiny there and big now", "seed is 0 there and 1", "ema is None"):
        assert part in str(error.value)
    assert "epochs is" not in str(error.value)


def test_an_unfinished_run_is_not_overwritten(
    images: TensorDataset, interrupted: RunFolder
) -> None:
    before = (interrupted.path / STATE).read_bytes()
    with pytest.raises(RunError, match=r"2 epochs of 4; go on with --resume"):
        trained(images, COURSE, replace(interrupted, resume=False))
    assert (interrupted.path / STATE).read_bytes() == before


def test_a_finished_run_makes_room(images: TensorDataset, tmp_path: Path) -> None:
    for seed in range(2):
        trained(images, replace(COURSE, seed=seed), RunFolder(path=tmp_path))
    assert log(tmp_path)["settings"]["seed"] == 1


@pytest.mark.parametrize("content", [b"", b"nonsense" * 9, b"\x02\0\0\0\0\0\0\0{}"])
def test_a_broken_state_is_refused(
    content: bytes, images: TensorDataset, interrupted: RunFolder
) -> None:
    (interrupted.path / STATE).write_bytes(content)
    with pytest.raises(RunError, match=rf"{STATE} is no state of a training"):
        trained(images, COURSE, interrupted)


def test_a_folder_holds_tensors_text_and_a_picture(interrupted: RunFolder) -> None:
    assert sorted(file.name for file in interrupted.path.iterdir()) == sorted([CURVE, LOG, STATE])
    assert len(log(interrupted.path)["epochs"]) == 2
