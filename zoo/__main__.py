"""The zoo's command line; `python -m zoo --help` lists its commands."""

import argparse
import json
import re
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from contract.recipe import Figure, Task
from zoo import cli_compare, cli_evaluate, cli_train, costs, listing, weights
from zoo.checkpointing import CURVE, STATE, RunError
from zoo.checkpoints.importer import import_checkpoint
from zoo.checkpoints.state import CheckpointError
from zoo.compare import ComparisonError
from zoo.data import DataError
from zoo.detector_card import DetectorCard
from zoo.detectors import Detector
from zoo.export import repository, servable
from zoo.export.exporter import ExportError
from zoo.export.formats import FORMATS, exporter
from zoo.export.servable import Servable
from zoo.listing import Entry
from zoo.registry import UnknownNameError
from zoo.signs import scenes
from zoo.signs.dataset import Split
from zoo.signs.preview import preview
from zoo.signs.scene_sheet import found_marks, known_marks, scene_sheet
from zoo.train_detector import detect
from zoo.weights import WeightsError

MORE_DETECTORS = (
    "detectors: retinanet_, frcnn_ or mrcnn_ before the name of a classifier; --detectors has all"
)
SHOWN_SCENES = 6  # of a contact sheet
USER_ERROR = 2  # the exit status that argparse uses too
USER_MISTAKES = (
    UnknownNameError,
    CheckpointError,
    WeightsError,
    ExportError,
    ComparisonError,
    DataError,
    RunError,
    OSError,
)
INTERRUPTED = 130  # the exit status of a shell's command that Ctrl-C ended
Options = argparse.Namespace


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0, or 2 with a line on stderr when the user can put it right."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser().parse_args(words)
    try:
        options.command(options)
    except KeyboardInterrupt:
        print(f"\nzoo: stopped{_way_back(options, words)}", file=sys.stderr)
        return INTERRUPTED
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
    """Train on the signs or on a folder of images; leave weights and card."""
    card = cli_train.run(options)
    measured = (
        f"test AP {_percent(card.test_precision.ap)}"
        if isinstance(card, DetectorCard)
        else f"test accuracy {_percent(card.test_accuracy)}"
    )
    print(f"{card.name}: {measured}, in {options.weights}")
    print(f"{card.name}: learning curve in {cli_train.run_folder(options) / CURVE}")


def evaluate_model(options: Options) -> None:
    """Measure weights again, on the test images or scenes of their card or on a folder."""
    for line in cli_evaluate.run(options):
        print(line)


def compare_mechanisms(options: Options) -> None:
    """Train with every attention mechanism alike, and write what each is worth."""
    for line in cli_compare.run(options):
        print(line, flush=True)


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


def _way_back(options: Options, words: Sequence[str]) -> str:
    """How to go on with what was interrupted, if that is possible."""
    if options.command is compare_mechanisms:
        return "; the same command goes on after the last whole epoch"
    if options.command is not train or not (cli_train.run_folder(options) / STATE).exists():
        return ""
    resumed = [*words, *([] if options.resume else ["--resume"])]
    return f"; go on after the last whole epoch: python -m zoo {shlex.join(resumed)}"


def _servable(name: str, options: Options) -> Servable:
    if options.untrained:
        return servable.untrained(name)
    return servable.trained(name, options.weights)


def _detector(name: str, folder: Path) -> Detector:
    network = servable.trained(name, folder).served.network
    if not isinstance(network, Detector):
        raise WeightsError(f"{name} is no detector; it finds no boxes")
    return network


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
    cli_train.add_arguments(training)
    evaluating = add("evaluate", evaluate_model)
    cli_evaluate.add_arguments(evaluating)
    comparing = add("compare", compare_mechanisms)
    cli_compare.add_arguments(comparing)
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
    for one in (
        *(listed, shown, importing, training),
        *(evaluating, comparing, previewing, exporting, checking),
    ):
        one.add_argument("--weights", type=Path, default=weights.FOLDER, metavar="DIR")
    for one in (exporting, checking):
        one.add_argument("--format", choices=FORMATS, default=FORMATS[0])
        one.add_argument("--repository", type=Path, default=Path("model_repository"), metavar="DIR")
        one.add_argument(
            "--untrained", action="store_true", help="fresh weights; the recipe says so"
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
