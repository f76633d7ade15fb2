"""The zoo's command line; `python -m zoo --help` lists its commands."""

import argparse
import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from contract.recipe import Figure, Task
from zoo import costs, detector_card, listing, weights
from zoo.checkpoints.importer import import_checkpoint
from zoo.checkpoints.state import CheckpointError
from zoo.detector_card import DetectorCard
from zoo.detector_schedule import DetectorSchedule
from zoo.detectors import Detector
from zoo.evaluate import evaluate
from zoo.export import repository, servable
from zoo.export.exporter import ExportError
from zoo.export.formats import FORMATS, exporter
from zoo.export.servable import Servable
from zoo.listing import Entry
from zoo.networks import is_detector
from zoo.registry import UnknownNameError
from zoo.signs import scenes
from zoo.signs.dataset import Split, load
from zoo.signs.preview import preview
from zoo.signs.publish import CROPS, publish
from zoo.signs.publish_detector import SCENES, publish_detector
from zoo.signs.scene_sheet import found_marks, known_marks, scene_sheet
from zoo.train import Schedule
from zoo.train_detector import detect, evaluate_detector
from zoo.weights import WeightsError

MORE_DETECTORS = (
    "detectors: retinanet_, frcnn_ or mrcnn_ before the name of a classifier; --detectors has all"
)
SHOWN_SCENES = 6  # of a contact sheet
USER_ERROR = 2  # the exit status that argparse uses too
USER_MISTAKES = (UnknownNameError, CheckpointError, WeightsError, ExportError, OSError)
Options = argparse.Namespace


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0, or 2 with a line on stderr when the user can put it right."""
    options = _parser().parse_args(arguments)
    try:
        options.command(options)
    except USER_MISTAKES as error:
        print(f"zoo: {error}", file=sys.stderr)
        return USER_ERROR
    return 0


def list_models(options: Options) -> None:
    """Print every classifier, and what else there are weights for."""
    names = listing.detectors() if options.detectors else listing.names(options.weights)
    entries = [listing.entry(name, options.weights) for name in names]
    if options.json:
        print(_json([asdict(entry) for entry in entries]))
        return
    for entry in entries:
        print(f"{entry.name:16} {entry.architecture:30} {entry.attention:10} {_standing(entry)}")
    if not options.detectors:
        print(MORE_DETECTORS)


def show_info(options: Options) -> None:
    """Print everything about one model."""
    info = listing.info(options.name, options.weights)
    if options.json:
        print(_json(asdict(info)))
        return
    print(f"{info.name}: {info.architecture}, attention {info.attention}")
    for word, value in (
        ("place", info.where),
        ("paper", info.paper or "none"),
        ("input", f"{_size(info.image_size)} pixels, {info.num_classes} classes"),
        ("options", ", ".join(f"{key}={value}" for key, value in info.options.items()) or "none"),
        ("parameters", f"{info.cost.parameters:,}"),
        ("MACs", f"{info.cost.layer_macs:,} in convolutions and linear layers"),
        ("", f"{info.cost.matmul_macs:,} in products of activations"),
        ("weights", info.weights or "none"),
        ("AP" if info.task == Task.DETECTION else "accuracy", _standing(info)),
    ):
        print(f"  {word:11} {value}")


def write_table(options: Options) -> None:
    """Write what every network costs, beside published figures."""
    options.file.write_text(costs.page(), encoding="utf-8")
    print(f"wrote {options.file}")


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


def train(options: Options) -> None:
    """Train on the signs; leave weights and card."""
    chosen = {"seed": options.seed} | _given(epochs=options.epochs)
    sizes = _given(
        train=options.images, validation=options.validation_images, test=options.test_images
    )
    if is_detector(options.name):
        scenery = replace(SCENES, seed=options.data_seed, **sizes)
        course = DetectorSchedule(**chosen)
        found = publish_detector(options.name, course, scenery, folder=options.weights)
        measured = f"test AP {_percent(found.test_precision.ap)}"
    else:
        crops = replace(CROPS, seed=options.data_seed, **sizes)
        card = publish(options.name, Schedule(**chosen), crops, folder=options.weights)
        measured = f"test accuracy {_percent(card.test_accuracy)}"
    print(f"{options.name}: {measured}, in {options.weights}")


def evaluate_model(options: Options) -> None:
    """Measure the weights again on the test images, or scenes, of their card."""
    card = weights.read_trained_card(options.name, options.weights)
    if isinstance(card, DetectorCard):
        shown = scenes.load(Split.TEST, card.data.test, card.data.seed)
        precision = evaluate_detector(_detector(options.name, options.weights), shown)
        said = dict(detector_card.figures(card.test_precision))
        for name, figure in detector_card.figures(precision):
            print(f"{name:20} {_percent(figure)}; the card says {_percent(said[name])}")
        return
    network = servable.trained(options.name, options.weights).served.network
    measured = evaluate(network, load(Split.TEST, card.data.test, card.data.seed))
    for label, figure in zip(card.labels, measured.per_class, strict=True):
        print(f"{label:20} {_percent(figure)}")
    print(f"{'all':20} {_percent(measured.accuracy)}; the card says {_percent(card.test_accuracy)}")


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


def export(options: Options) -> None:
    """Write models into the repository."""
    for name in options.names:
        model = _servable(name, options)
        print(f"{name}: exporting, then comparing with eager", flush=True)
        folder = repository.export(model, options.repository, exporter(options.format))
        print(f"{name}: equal to eager, wrote {folder}")


def check(options: Options) -> None:
    """Compare an exported model with eager once more."""
    model = _servable(options.name, options)
    difference = repository.check(model, options.repository, exporter(options.format))
    print(f"{options.name}: scores differ from eager by {difference:.1e} at most")


def _servable(name: str, options: Options) -> Servable:
    if options.untrained:
        return servable.untrained(name)
    return servable.trained(name, options.weights)


def _detector(name: str, folder: Path) -> Detector:
    network = servable.trained(name, folder).served.network
    if not isinstance(network, Detector):
        raise WeightsError(f"{name} is no detector; it finds no boxes")
    return network


def _given(**values: int | None) -> dict[str, Any]:
    """The values that the user gave; the others stay as usual."""
    return {name: value for name, value in values.items() if value is not None}


def _standing(entry: Entry) -> str:
    for figure in (entry.test_accuracy, entry.test_ap):
        if figure is not None:
            return _percent(figure)
    return "not measured" if entry.weights else "no weights"


def _size(image_size: int | tuple[int, int]) -> str:
    height, width = (image_size, image_size) if isinstance(image_size, int) else image_size
    return f"{height}×{width}"


def _json(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)


def _percent(figure: Figure) -> str:
    return f"{figure.value:.2%} ({figure.low:.2%}–{figure.high:.2%})"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m zoo", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(word: str, command: Callable[[Options], None]) -> argparse.ArgumentParser:
        one = commands.add_parser(word, help=command.__doc__, description=command.__doc__)
        one.set_defaults(command=command)
        return one

    listed = add("list", list_models)
    listed.add_argument(
        "--detectors", action="store_true", help="every detector instead: there are hundreds"
    )
    shown = add("info", show_info)
    shown.add_argument("name")
    for one in (listed, shown):
        one.add_argument("--json", action="store_true", help="for programs")
    table = add("table", write_table)
    table.add_argument("file", type=Path, nargs="?", default=Path("docs/zoo.md"))
    importing = add("import", import_weights)
    _import_arguments(importing)
    training = add("train", train)
    _train_arguments(training)
    evaluating = add("evaluate", evaluate_model)
    evaluating.add_argument("name")
    previewing = add("preview", preview_signs)
    previewing.add_argument("file", type=_picture, help="a .png or .jpg to write")
    previewing.add_argument("--scenes", action="store_true", help="scenes instead of crops")
    previewing.add_argument(
        "--found-by", metavar="NAME", help="scenes, with what this detector finds in them"
    )
    exporting = add("export", export)
    exporting.add_argument("names", nargs="+", metavar="NAME")
    checking = add("check", check)
    checking.add_argument("name")
    for one in (listed, shown, importing, training, evaluating, previewing, exporting, checking):
        one.add_argument("--weights", type=Path, default=weights.FOLDER, metavar="DIR")
    for one in (exporting, checking):
        one.add_argument("--format", choices=FORMATS, default=FORMATS[0])
        one.add_argument("--repository", type=Path, default=Path("model_repository"), metavar="DIR")
        one.add_argument(
            "--untrained", action="store_true", help="fresh weights; the recipe then has no card"
        )
    return parser


def _import_arguments(parser: argparse.ArgumentParser) -> None:
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


def _train_arguments(parser: argparse.ArgumentParser) -> None:
    def number(option: str, classifier: int, detector: int, more: str = "") -> None:
        usual = f"{more}{classifier}, or {detector} for a detector"
        parser.add_argument(option, type=_count, metavar="N", help=usual)

    parser.add_argument("name")
    number("--epochs", Schedule().epochs, DetectorSchedule().epochs)
    parser.add_argument("--seed", type=int, default=0, help="of fresh weights and order of images")
    parser.add_argument("--data-seed", type=int, default=0, help="of every image drawn")
    number("--images", CROPS.train, SCENES.train, "to train on: ")
    number("--validation-images", CROPS.validation, SCENES.validation)
    number("--test-images", CROPS.test, SCENES.test)


def _count(text: str) -> int:
    """One or more; argparse turns the error into a message with the option's name."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is too few; it must be at least 1")
    return number


def _image_size(text: str) -> tuple[int, int]:
    sides = re.fullmatch(r"(\d+)[x×](\d+)", text)
    if not sides:
        raise argparse.ArgumentTypeError(f"{text!r} must be height x width, such as 480x640")
    return int(sides[1]), int(sides[2])


def _picture(text: str) -> Path:
    if Path(text).suffix not in {".png", ".jpg"}:
        raise argparse.ArgumentTypeError(f"{text!r} must end in .png or .jpg")
    return Path(text)


if __name__ == "__main__":
    sys.exit(main())
