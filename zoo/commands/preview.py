"""The command that draws what networks are shown, and what a detector finds in it."""

import argparse
from pathlib import Path

from zoo.commands.arguments import Options, add_weights
from zoo.detectors import Detector
from zoo.evaluation.detector import detect
from zoo.evaluation.scene_sheet import found_marks, known_marks, scene_sheet
from zoo.export import servable
from zoo.signs import scenes
from zoo.signs.dataset import Split
from zoo.signs.preview import preview
from zoo.weights import WeightsError

SHOWN_SCENES = 6  # of a contact sheet


def preview_signs(options: Options) -> None:
    """Draw a contact sheet of the training images, or of test scenes with boxes around signs."""
    if options.scenes or options.found_by:
        shown = scenes.load(Split.TEST, SHOWN_SCENES)
        marks = [known_marks(scene) for scene in shown]
        if options.found_by:
            detector = _detector(options.found_by, options.weights)
            marks = [found_marks(found) for found in detect(detector, shown)]
        scene_sheet(options.file, shown, marks)
    else:
        preview(options.file)
    print(f"wrote {options.file}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("file", type=_picture, help="a .png or .jpg to write")
    parser.add_argument("--scenes", action="store_true", help="scenes instead of crops")
    parser.add_argument(
        "--found-by", metavar="NAME", help="scenes, with what this detector finds in them"
    )
    add_weights(parser)


def _detector(name: str, folder: Path) -> Detector:
    network = servable.trained(name, folder).served.network
    if not isinstance(network, Detector):
        raise WeightsError(f"{name} is no detector; it finds no boxes")
    return network


def _picture(text: str) -> Path:
    if Path(text).suffix not in {".png", ".jpg"}:
        raise argparse.ArgumentTypeError(f"{text!r} must end in .png or .jpg")
    return Path(text)
