"""Of the command that trains: the options about its schedule, and the schedule they ask for."""

import argparse
from dataclasses import fields
from typing import Any, TypeVar, get_args

from zoo.commands.arguments import Options, add_number, count, given, positive, share
from zoo.data import SIGNS
from zoo.schedules import Course, DetectorSchedule, OptimizerName, Precision, Schedule

# Rates of SGD are larger, and its decay smaller, because neither is divided by the gradients' size.
SGD: dict[type[Course], dict[str, float]] = {
    Schedule: {"learning_rate": 0.05, "weight_decay": 5e-4},
    DetectorSchedule: {"learning_rate": 0.01, "weight_decay": 1e-4},
}
FOLDER_BATCH = 16  # images; of a few dozen, 64 at a time would leave too few steps
# What the options are called that are fields of a course.
CHOSEN = {field.name: field.name for field in fields(Course)} | {"seed": "seed"}
Kind = TypeVar("Kind", bound=Course)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options; each says what holds without it."""
    group = parser.add_argument_group("schedule")
    one, two = Schedule(), DetectorSchedule()
    sgd, sgd_two = SGD[Schedule], SGD[DetectorSchedule]
    add_number(group, "--epochs", count, one.epochs, two.epochs)
    add_number(group, "--batch-size", count, one.batch_size, two.batch_size)
    group.add_argument("--optimizer", choices=get_args(OptimizerName), help="adamw if left out")
    for option, field in (("--learning-rate", "learning_rate"), ("--weight-decay", "weight_decay")):
        more = f"; with sgd {sgd[field]:g}, or {sgd_two[field]:g}"
        add_number(group, option, positive, getattr(one, field), getattr(two, field), more=more)
    add_number(group, "--warmup-epochs", positive, one.warmup_epochs, two.warmup_epochs)
    group.add_argument("--momentum", type=share, help=f"of sgd ({one.momentum})")
    group.add_argument(
        "--ema",
        type=share,
        metavar="DECAY",
        help="judge and keep a running mean of the weights, of this decay a step, such as 0.999",
    )
    group.add_argument("--clip", type=positive, metavar="NORM", help="limit the gradients' norm")
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


def schedule(kind: type[Kind], options: Options) -> Kind:
    """The schedule of a ``kind`` of network: what the user chose, and the rest as usual."""
    usual: dict[str, Any] = dict(SGD[kind]) if options.optimizer == "sgd" else {}
    if kind is Schedule and options.data != SIGNS:
        usual["batch_size"] = FOLDER_BATCH
    return kind(**usual | given(options, CHOSEN))
