"""The zoo's command line; `python -m zoo --help` lists its commands."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from contract.recipe import Figure
from zoo import costs, listing, weights
from zoo.card import Data
from zoo.checkpoints.importer import import_checkpoint
from zoo.checkpoints.state import CheckpointError
from zoo.evaluate import evaluate
from zoo.export import repository, servable
from zoo.export.exporter import ExportError
from zoo.export.formats import FORMATS, exporter
from zoo.export.servable import Servable
from zoo.listing import Entry
from zoo.registry import UnknownNameError
from zoo.signs.dataset import Split, load
from zoo.signs.preview import preview
from zoo.signs.publish import TASK, publish
from zoo.train import Schedule
from zoo.weights import WeightsError

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
    """Print every model there is."""
    entries = [listing.entry(name, options.weights) for name in listing.names(options.weights)]
    if options.json:
        print(_json([asdict(entry) for entry in entries]))
        return
    for entry in entries:
        print(f"{entry.name:16} {entry.architecture:30} {entry.attention:10} {_standing(entry)}")


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
        ("input", f"{info.image_size}×{info.image_size} pixels, {info.num_classes} classes"),
        ("options", ", ".join(f"{key}={value}" for key, value in info.options.items()) or "none"),
        ("parameters", f"{info.cost.parameters:,}"),
        ("MACs", f"{info.cost.layer_macs:,} in convolutions and linear layers"),
        ("", f"{info.cost.matmul_macs:,} in products of activations"),
        ("weights", info.weights or "none"),
        ("accuracy", _standing(info)),
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
    )
    print(f"{options.name}: {report}, in {options.weights}")


def train(options: Options) -> None:
    """Train on the signs; leave weights and card."""
    data = Data(
        task=TASK,
        seed=options.data_seed,
        train=options.images,
        validation=options.validation_images,
        test=options.test_images,
    )
    schedule = Schedule(epochs=options.epochs, seed=options.seed)
    card = publish(options.name, schedule, data, folder=options.weights)
    print(f"{card.name}: test accuracy {_percent(card.test_accuracy)}, in {options.weights}")


def evaluate_model(options: Options) -> None:
    """Measure the weights again on the test images of their card."""
    model = servable.trained(options.name, options.weights)
    card = weights.read_trained_card(options.name, options.weights)
    measured = evaluate(model.served.network, load(Split.TEST, card.data.test, card.data.seed))
    for label, figure in zip(card.labels, measured.per_class, strict=True):
        print(f"{label:20} {_percent(figure)}")
    print(f"{'all':20} {_percent(measured.accuracy)}; the card says {_percent(card.test_accuracy)}")


def preview_signs(options: Options) -> None:
    """Draw a contact sheet of the training images."""
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


def _standing(entry: Entry) -> str:
    if entry.test_accuracy:
        return _percent(entry.test_accuracy)
    return "not measured" if entry.weights else "no weights"


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
    add("preview", preview_signs).add_argument(
        "file", type=_picture, help="a .png or .jpg to write"
    )
    exporting = add("export", export)
    exporting.add_argument("names", nargs="+", metavar="NAME")
    checking = add("check", check)
    checking.add_argument("name")
    for one in (listed, shown, importing, training, evaluating, exporting, checking):
        one.add_argument("--weights", type=Path, default=weights.FOLDER, metavar="DIR")
    for one in (exporting, checking):
        one.add_argument("--format", choices=FORMATS, default=FORMATS[0])
        one.add_argument("--repository", type=Path, default=Path("model_repository"), metavar="DIR")
        one.add_argument(
            "--untrained", action="store_true", help="fresh weights; the recipe then has no card"
        )
    return parser


def _import_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", help="the published network, such as simam_resnet50")
    parser.add_argument("file", type=Path, help="a checkpoint: safetensors, or a pickle of tensors")
    parser.add_argument("--name", required=True, help="what the zoo shall call it")
    parser.add_argument("--attention", help="a mechanism to put into a plain torchvision network")
    parser.add_argument("--labels", type=Path, help="a text file with one class name a line")


def _train_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name")
    parser.add_argument("--epochs", type=_count, default=Schedule().epochs)
    parser.add_argument("--seed", type=int, default=0, help="of fresh weights and order of images")
    parser.add_argument("--data-seed", type=int, default=0, help="of every image drawn")
    parser.add_argument("--images", type=_count, default=12_000, help="to train on")
    parser.add_argument("--validation-images", type=_count, default=2_000)
    parser.add_argument("--test-images", type=_count, default=3_000)


def _count(text: str) -> int:
    """One or more; argparse turns the error into a message with the option's name."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is too few; it must be at least 1")
    return number


def _picture(text: str) -> Path:
    if Path(text).suffix not in {".png", ".jpg"}:
        raise argparse.ArgumentTypeError(f"{text!r} must end in .png or .jpg")
    return Path(text)


if __name__ == "__main__":
    sys.exit(main())
