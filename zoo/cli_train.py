"""The command that trains: its options, and how they become a job, a schedule and data."""

import argparse
import os
import re
from collections.abc import Callable
from dataclasses import fields, replace
from math import inf
from pathlib import Path
from typing import Any, TypeVar, get_args

import torch

from zoo import weights
from zoo.card import ModelCard
from zoo.checkpointing import RunError
from zoo.classifiers import ARCHITECTURES
from zoo.course import Course, OptimizerName, Precision
from zoo.data import (
    SIGNS,
    ClassificationData,
    DetectionData,
    open_classification,
    open_detection,
)
from zoo.data.signs import CROPS, SCENES, draw_crops, draw_scenes
from zoo.detector_card import DetectorCard
from zoo.detector_schedule import DetectorSchedule
from zoo.detectors import DETECTORS
from zoo.job import Job
from zoo.networks import architecture, is_detector
from zoo.publish import publish
from zoo.publish_detector import publish_detector
from zoo.signs import dataset, scenes
from zoo.train import Schedule

RUNS = Path("runs")
# Rates of SGD are larger, and its decay smaller, because neither is divided by the gradients' size.
SGD: dict[type[Course], dict[str, float]] = {
    Schedule: {"learning_rate": 0.05, "weight_decay": 5e-4},
    DetectorSchedule: {"learning_rate": 0.01, "weight_decay": 1e-4},
}
FOLDER_BATCH = 16  # images; of a few dozen, 64 at a time would leave too few steps
# What the options are called that are fields of a course.
CHOSEN = {field.name: field.name for field in fields(Course)} | {"seed": "seed"}
SIZES = {"train": "images", "validation": "validation_images", "test": "test_images"}
Options = argparse.Namespace
Kind = TypeVar("Kind", bound=Course)


def run(options: Options) -> ModelCard | DetectorCard:
    """Train as ``options`` say.

    Raises:
        UnknownNameError, DataError, WeightsError, RunError: the user can put it right.
    """
    architecture(options.name)  # a misspelt name is told so before anything is drawn or read
    job = _job(options)
    if is_detector(job.network):
        return publish_detector(job, _schedule(DetectorSchedule, options), _scenes(options))
    return publish(job, _schedule(Schedule, options), _images(options))


def run_folder(options: Options) -> Path:
    """Where the state of the run is kept."""
    folder: Path = options.run or RUNS / (options.call or options.name)
    return folder


def given(options: Options, names: dict[str, str]) -> dict[str, Any]:
    """What the user gave, by field; the others stay as usual."""
    values = {field: getattr(options, option) for field, option in names.items()}
    return {field: value for field, value in values.items() if value is not None}


def _job(options: Options) -> Job:
    name = options.call or options.name
    if options.data != SIGNS and (name in ARCHITECTURES or name in DETECTORS):
        raise RunError(f"--name: call the weights otherwise; {name} are those for the signs")
    return Job(
        network=options.name,
        name=name,
        start=options.start,
        folder=options.weights,
        half=options.half,
        device=_device(options.device),
        run=run_folder(options),
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


def _schedule(kind: type[Kind], options: Options) -> Kind:
    usual: dict[str, Any] = dict(SGD[kind]) if options.optimizer == "sgd" else {}
    if kind is Schedule and options.data != SIGNS:
        usual["batch_size"] = FOLDER_BATCH
    return kind(**usual | given(options, CHOSEN))


def _images(options: Options) -> ClassificationData:
    side = _side(options, dataset.SIDE, 224)
    if options.data == SIGNS and side == dataset.SIDE:
        return draw_crops(replace(CROPS, seed=options.data_seed, **given(options, SIZES)))
    _refuse_sizes(options)
    return open_classification(
        options.data, side, seed=options.data_seed, skip_broken=options.skip_broken
    )


def _scenes(options: Options) -> DetectionData:
    side = _side(options, scenes.SIDE, 320)
    with_masks = options.name.startswith("mrcnn_")
    if options.data == SIGNS:
        drawn = replace(SCENES, seed=options.data_seed, **given(options, SIZES))
        return draw_scenes(drawn, side=side, with_masks=with_masks)
    _refuse_sizes(options)
    return open_detection(
        options.data,
        (side, side),
        seed=options.data_seed,
        with_masks=with_masks,
        skip_broken=options.skip_broken,
    )


def _side(options: Options, signs: int, others: int) -> int:
    """Pixels; as asked for, or as those of the weights to start from, or the usual."""
    if options.image_size is not None:
        return int(options.image_size)
    if options.data == SIGNS:
        return signs
    if options.start:
        height, width = weights.read_card(options.start, options.weights).image_hw
        if height == width:
            return height
    return others


def _refuse_sizes(options: Options) -> None:
    if given(options, SIZES):
        raise RunError("--images and its like count drawn signs; a folder is used whole")


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
    _data_arguments(parser)
    _course_arguments(parser)
    _run_arguments(parser)


def _data_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("data")
    group.add_argument(
        "--image-size",
        type=count,
        metavar="PIXELS",
        help=f"signs {dataset.SIDE}, or {scenes.SIDE} for a detector; a folder that of --start, or "
        "224, or 320 for a detector",
    )
    group.add_argument(
        "--data-seed", type=int, default=0, help="of drawing, or of dealing out a folder (0)"
    )
    group.add_argument("--skip-broken", action="store_true", help="leave unreadable images out")
    for option, crops, drawn in (
        ("--images", CROPS.train, SCENES.train),
        ("--validation-images", CROPS.validation, SCENES.validation),
        ("--test-images", CROPS.test, SCENES.test),
    ):
        _number(group, option, count, crops, drawn, before="signs to draw: ")


def _course_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("schedule")
    one, two = Schedule(), DetectorSchedule()
    sgd, sgd_two = SGD[Schedule], SGD[DetectorSchedule]
    _number(group, "--epochs", count, one.epochs, two.epochs)
    _number(group, "--batch-size", count, one.batch_size, two.batch_size)
    group.add_argument("--optimizer", choices=get_args(OptimizerName), help="adamw if left out")
    for option, field in (("--learning-rate", "learning_rate"), ("--weight-decay", "weight_decay")):
        more = f"; with sgd {sgd[field]:g}, or {sgd_two[field]:g}"
        _number(group, option, _positive, getattr(one, field), getattr(two, field), more=more)
    _number(group, "--warmup-epochs", _positive, one.warmup_epochs, two.warmup_epochs)
    group.add_argument("--momentum", type=_share, help=f"of sgd ({one.momentum})")
    group.add_argument(
        "--ema",
        type=_share,
        metavar="DECAY",
        help="judge and keep a running mean of the weights, of this decay a step, such as 0.999",
    )
    group.add_argument("--clip", type=_positive, metavar="NORM", help="limit the gradients' norm")
    group.add_argument(
        "--patience", type=count, metavar="N", help="stop after N epochs that were not better"
    )
    group.add_argument(
        "--precision",
        choices=get_args(Precision),
        help="auto (default): bfloat16 for what can bear it, on a GPU that computes in it",
    )
    group.add_argument(
        "--seed", type=int, default=0, help="of fresh weights and the order of images (0)"
    )


def _run_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("run")
    group.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    group.add_argument(
        "--half", action="store_true", help="store float16; it is what the figures are measured of"
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


def _number(  # noqa: PLR0913 - the words of one line of help
    group: argparse._ArgumentGroup,
    option: str,
    kind: Callable[[str], float],
    classifier: float,
    detector: float,
    *,
    before: str = "",
    more: str = "",
) -> None:
    usual = f"{before}{classifier:g}, or {detector:g} for a detector{more}"
    group.add_argument(option, type=kind, metavar="N", help=usual)


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", text):
        raise argparse.ArgumentTypeError(f"{text!r} must be letters, digits, _, . and -")
    return text


def count(text: str) -> int:
    """One or more; argparse turns the error into a message with the option's name."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is too few; it must be at least 1")
    return number


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < inf:
        raise argparse.ArgumentTypeError(f"{text} must be above 0")
    return number


def _share(text: str) -> float:
    number = float(text)
    if not 0 < number < 1:
        raise argparse.ArgumentTypeError(f"{text} must be between 0 and 1")
    return number
