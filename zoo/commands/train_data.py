"""Of the command that trains: the options about data, and the data that they ask for."""

import argparse
from dataclasses import replace

from zoo import weights
from zoo.commands.arguments import SIZES, Options, add_number, count, given
from zoo.data import (
    SIGNS,
    ClassificationData,
    DetectionData,
    open_classification,
    open_detection,
)
from zoo.data.signs import CROPS, SCENES, draw_crops, draw_scenes
from zoo.signs import dataset, scenes
from zoo.training.checkpointing import RunError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options besides ``--data`` itself."""
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
        add_number(group, option, count, crops, drawn, before="signs to draw: ")


def images_of(options: Options) -> ClassificationData:
    """Labelled images, drawn or read.

    Raises:
        DataError, RunError, WeightsError: the user can put it right.
    """
    side = _side(options, dataset.SIDE, 224)
    if options.data == SIGNS and side == dataset.SIDE:
        return draw_crops(replace(CROPS, seed=options.data_seed, **given(options, SIZES)))
    _refuse_sizes(options)
    return open_classification(
        options.data, side, seed=options.data_seed, skip_broken=options.skip_broken
    )


def scenes_of(options: Options) -> DetectionData:
    """Scenes with boxes, drawn or read, and with masks if the detector learns them.

    Raises:
        DataError, RunError, WeightsError: the user can put it right.
    """
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
