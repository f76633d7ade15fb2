"""The commands around the model repository: ``export`` into it, and ``check`` what is there."""

import argparse
from pathlib import Path

from zoo.commands.arguments import Options, add_weights
from zoo.export import repository, servable
from zoo.export.formats import FORMATS, exporter
from zoo.export.servable import Servable


def export(options: Options) -> None:
    """Write models into the repository."""
    for name in options.names:
        model = _servable(name, options)
        print(f"{name}: exporting, then comparing with eager", flush=True)
        folder = repository.export(model, options.repository, exporter(options.format))
        print(f"{name}: equal to eager, wrote {folder}")


def add_export_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``export``."""
    parser.add_argument("names", nargs="+", metavar="NAME")
    _add_shared_arguments(parser)


def check(options: Options) -> None:
    """Compare an exported model with eager once more."""
    model = _servable(options.name, options)
    difference = repository.check(model, options.repository, exporter(options.format))
    print(f"{options.name}: scores differ from eager by {difference:.1e} at most")


def add_check_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``check``."""
    parser.add_argument("name")
    _add_shared_arguments(parser)


def _add_shared_arguments(parser: argparse.ArgumentParser) -> None:
    add_weights(parser)
    parser.add_argument("--format", choices=FORMATS, default=FORMATS[0])
    parser.add_argument("--repository", type=Path, default=Path("model_repository"), metavar="DIR")
    parser.add_argument(
        "--untrained", action="store_true", help="fresh weights; the recipe says so"
    )


def _servable(name: str, options: Options) -> Servable:
    if options.untrained:
        return servable.untrained(name)
    return servable.trained(name, options.weights)
