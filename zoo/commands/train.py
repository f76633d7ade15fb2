"""The command that trains: its options, and how they become a job."""

import argparse
import os
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

import torch

from zoo.cards.classifier import ModelCard
from zoo.cards.detector import DetectorCard
from zoo.classifiers import ARCHITECTURES
from zoo.commands import train_data, train_schedule
from zoo.commands.arguments import Options, add_weights
from zoo.commands.train_data import images_of, scenes_of
from zoo.commands.train_schedule import schedule
from zoo.data import SIGNS
from zoo.detectors import DETECTORS
from zoo.evaluation.report import percent
from zoo.networks import architecture, is_detector
from zoo.schedules import DetectorSchedule, Schedule
from zoo.storage import Storage
from zoo.training.checkpointing import CURVE, STATE, RunError
from zoo.training.job import Job
from zoo.training.publish import publish
from zoo.training.publish_detector import publish_detector

RUNS = Path("runs")


def train(options: Options) -> None:
    """Train on the signs or on a folder of images; leave weights and card."""
    card = _published(options)
    measured = (
        f"test AP {percent(card.test_precision.ap)}"
        if isinstance(card, DetectorCard)
        else f"test accuracy {percent(card.test_accuracy)}"
    )
    print(f"{card.name}: {measured}, in {options.weights}")
    print(f"{card.name}: learning curve in {_run_folder(options) / CURVE}")


def way_back(options: Options, words: Sequence[str]) -> str:
    """How to go on with the training that ``words`` started, if one whole epoch is done."""
    if not (_run_folder(options) / STATE).exists():
        return ""
    resumed = [*words, *([] if options.resume else ["--resume"])]
    return f"; go on after the last whole epoch: python -m zoo {shlex.join(resumed)}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options; each says what holds without it."""
    parser.add_argument("name", help="the network, such as mbv2_simam or retinanet_mbv2_simam")
    parser.add_argument(
        "--data",
        default=SIGNS,
        metavar="DIR",
        help="a folder of images, DIR/CLASS/*.jpg or DIR/train/CLASS/*.jpg; of a detector, one "
        f'with COCO annotations; or "{SIGNS}", which are drawn (default)',
    )
    parser.add_argument(
        "--name",
        dest="call",
        type=_name,
        metavar="NAME",
        help="what to call the weights; needed for a folder, otherwise the network's name",
    )
    parser.add_argument(
        "--start", metavar="NAME", help="weights of the same network to start from (fresh ones)"
    )
    train_data.add_arguments(parser)
    train_schedule.add_arguments(parser)
    _add_run_arguments(parser)
    add_weights(parser)


def _add_run_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("run")
    group.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    group.add_argument(
        "--store",
        choices=[storage.value for storage in Storage],
        default=Storage.FLOAT32.value,
        help="what weights are stored as, and figures measured of (float32)",
    )
    group.add_argument(
        "--run",
        type=Path,
        metavar="DIR",
        help=f"of state and learning curve, written after every epoch; {RUNS}/NAME if left out",
    )
    group.add_argument(
        "--resume",
        action="store_true",
        help="go on after the last whole epoch of the run, as if it had never been stopped",
    )


def _published(options: Options) -> ModelCard | DetectorCard:
    architecture(options.name)  # a misspelt name is told so before anything is drawn or read
    job = _job(options)
    if is_detector(job.network):
        return publish_detector(job, schedule(DetectorSchedule, options), scenes_of(options))
    return publish(job, schedule(Schedule, options), images_of(options))


def _job(options: Options) -> Job:
    name = options.call or options.name
    if options.data != SIGNS and (name in ARCHITECTURES or name in DETECTORS):
        raise RunError(f"--name: call the weights otherwise; {name} are those for the signs")
    return Job(
        network=options.name,
        name=name,
        start=options.start,
        folder=options.weights,
        storage=Storage(options.store),
        device=_device(options.device),
        run=_run_folder(options),
        resume=options.resume,
    )


def _device(asked: str) -> str:
    """``cpu`` or ``cuda``; a GPU is told to give the same figures every time."""
    if asked == "cuda" and not torch.cuda.is_available():
        raise RunError("--device cuda: torch finds no GPU; leave the option out to use the CPU")
    if asked == "cpu" or not torch.cuda.is_available():
        return "cpu"
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    return "cuda"


def _run_folder(options: Options) -> Path:
    """Where the state of the run is kept."""
    folder: Path = options.run or RUNS / (options.call or options.name)
    return folder


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", text):
        raise argparse.ArgumentTypeError(f"{text!r} must be letters, digits, _, . and -")
    return text
