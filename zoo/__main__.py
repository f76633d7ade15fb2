"""The zoo's command line; `python -m zoo --help` lists its commands."""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

from zoo.checkpoints.state import CheckpointError
from zoo.commands import compare, evaluate, export, importing, listing, preview, table, train
from zoo.commands.arguments import Options
from zoo.comparison.compare import ComparisonError
from zoo.data import DataError
from zoo.export.exporter import ExportError
from zoo.registry import UnknownNameError
from zoo.training.checkpointing import RunError
from zoo.weights import WeightsError

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


def _no_way_back(_options: Options, _words: Sequence[str]) -> str:
    return ""


class Command(NamedTuple):
    """What one word does; the docstring of ``run`` is its help."""

    run: Callable[[Options], None]
    add_arguments: Callable[[argparse.ArgumentParser], None]
    way_back: Callable[[Options, Sequence[str]], str] = _no_way_back  # after Ctrl-C


COMMANDS = {
    "list": Command(listing.list_models, listing.add_list_arguments),
    "info": Command(listing.show_info, listing.add_info_arguments),
    "table": Command(table.write_table, table.add_arguments),
    "import": Command(importing.import_weights, importing.add_arguments),
    "train": Command(train.train, train.add_arguments, train.way_back),
    "evaluate": Command(evaluate.evaluate_model, evaluate.add_arguments),
    "compare": Command(compare.compare_mechanisms, compare.add_arguments, compare.way_back),
    "preview": Command(preview.preview_signs, preview.add_arguments),
    "export": Command(export.export, export.add_export_arguments),
    "check": Command(export.check, export.add_check_arguments),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0, or 2 with a line on stderr when the user can put it right."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser().parse_args(words)
    command: Command = options.command
    try:
        command.run(options)
    except KeyboardInterrupt:
        print(f"\nzoo: stopped{command.way_back(options, words)}", file=sys.stderr)
        return INTERRUPTED
    except USER_MISTAKES as error:
        print(f"zoo: {error}", file=sys.stderr)
        return USER_ERROR
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m zoo", description=__doc__)
    words = parser.add_subparsers(required=True, metavar="COMMAND")
    for word, command in COMMANDS.items():
        one = words.add_parser(word, help=command.run.__doc__, description=command.run.__doc__)
        command.add_arguments(one)
        one.set_defaults(command=command)
    return parser


if __name__ == "__main__":
    sys.exit(main())
