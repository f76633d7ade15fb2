"""The command that brings in weights from elsewhere."""

import argparse
import re
from pathlib import Path

from zoo.checkpoints.importer import import_checkpoint
from zoo.commands.arguments import Options, add_weights


def import_weights(options: Options) -> None:
    """Bring somebody else's checkpoint into the zoo."""
    report = import_checkpoint(
        options.source,
        options.file,
        options.name,
        folder=options.weights,
        attention=options.attention,
        labels=options.labels,
        image_size=options.image_size,
        norm_eps=options.norm_eps,
    )
    print(f"{options.name}: {report}, in {options.weights}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "source", help="the published network, such as simam_resnet50 or fasterrcnn_resnet50_fpn"
    )
    parser.add_argument("file", type=Path, help="a checkpoint: safetensors, or a pickle of tensors")
    parser.add_argument("--name", required=True, help="what the zoo shall call it")
    parser.add_argument("--attention", help="a mechanism to put into a plain torchvision network")
    parser.add_argument(
        "--labels",
        type=Path,
        help="a text file with one class name a line; a two-stage detector's first is the "
        'background; "N/A" may come often, as in COCO\'s lists, and is numbered',
    )
    parser.add_argument(
        "--image-size",
        type=_image_size,
        metavar="HxW",
        help="of a detector, pixels, such as 480x640; 800x800 if left out",
    )
    parser.add_argument(
        "--norm-eps",
        type=float,
        metavar="EPS",
        help="of a detector's batch norms, 1e-5 if left out; the weights that torchvision "
        "publishes for COCO as V1 want 0",
    )
    add_weights(parser)


def _image_size(text: str) -> tuple[int, int]:
    sides = re.fullmatch(r"(\d+)[x×](\d+)", text)
    if not sides:
        raise argparse.ArgumentTypeError(f"{text!r} must be height x width, such as 480x640")
    return int(sides[1]), int(sides[2])
