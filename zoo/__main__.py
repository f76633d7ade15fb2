"""The zoo's command line: list, train, evaluate, preview, export, check."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from contract.recipe import Figure
from zoo import weights
from zoo.card import Data
from zoo.classifiers import ARCHITECTURES, Architecture
from zoo.evaluate import evaluate
from zoo.export import repository, servable
from zoo.export.script import ExportError
from zoo.export.servable import Servable
from zoo.registry import UnknownNameError
from zoo.signs.dataset import Split, load
from zoo.signs.preview import preview
from zoo.signs.publish import TASK, publish
from zoo.train import Schedule
from zoo.weights import WeightsError

USER_ERROR = 2  # the exit status that argparse uses too
Options = argparse.Namespace


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0, or 2 with a line on stderr when the user can put it right."""
    options = _parser().parse_args(arguments)
    try:
        options.command(options)
    except (UnknownNameError, WeightsError, ExportError, OSError) as error:
        print(f"zoo: {error}", file=sys.stderr)
        return USER_ERROR
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of ``list``."""

    name: str
    architecture: str
    attention: str
    place: str  # where in the network the attention sits
    paper: str | None
    test_accuracy: Figure | None  # None: no weights


def list_models(options: Options) -> None:
    """Print every model there is."""
    entries = [_entry(ARCHITECTURES[name], options.weights) for name in ARCHITECTURES]
    if options.json:
        print(json.dumps([asdict(entry) for entry in entries], indent=2, ensure_ascii=False))
        return
    for entry in entries:
        accuracy = _percent(entry.test_accuracy) if entry.test_accuracy else "no weights"
        print(f"{entry.name:16} {entry.architecture:30} {entry.attention:10} {accuracy}")


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
    card = weights.read_card(options.name, options.weights)
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
        print(f"{name}: scripting, then comparing with eager", flush=True)
        folder = repository.export(model, options.repository)
        print(f"{name}: equal to eager, wrote {folder}")


def check(options: Options) -> None:
    """Compare an exported model with eager once more."""
    difference = repository.check(_servable(options.name, options), options.repository)
    print(f"{options.name}: scores differ from eager by {difference:.1e} at most")


def _servable(name: str, options: Options) -> Servable:
    if options.untrained:
        return servable.untrained(name)
    return servable.trained(name, options.weights)


def _entry(model: Architecture, folder: Path) -> Entry:
    has_weights = (folder / f"{model.name}.json").exists()
    return Entry(
        name=model.name,
        architecture=model.backbone.title,
        attention=model.attention,
        place=model.mechanism.place,
        paper=model.mechanism.paper,
        test_accuracy=weights.read_card(model.name, folder).test_accuracy if has_weights else None,
    )


def _percent(figure: Figure) -> str:
    return f"{figure.value:.2%} ({figure.low:.2%}–{figure.high:.2%})"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m zoo", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(word: str, command: Callable[[Options], None]) -> argparse.ArgumentParser:
        one = commands.add_parser(word, help=command.__doc__, description=command.__doc__)
        one.set_defaults(command=command)
        return one

    listing = add("list", list_models)
    listing.add_argument("--json", action="store_true", help="for programs")
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
    for one in (listing, training, evaluating, exporting, checking):
        one.add_argument("--weights", type=Path, default=weights.FOLDER, metavar="DIR")
    for one in (exporting, checking):
        one.add_argument("--repository", type=Path, default=Path("model_repository"), metavar="DIR")
        one.add_argument(
            "--untrained", action="store_true", help="fresh weights; the recipe then has no card"
        )
    return parser


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
