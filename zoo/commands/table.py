"""The command that writes docs/zoo.md."""

import argparse
from pathlib import Path

from zoo.commands.arguments import Options
from zoo.costs.page import page


def write_table(options: Options) -> None:
    """Write what every network costs, beside published figures."""
    options.file.write_text(page(), encoding="utf-8")
    print(f"wrote {options.file}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("file", type=Path, nargs="?", default=Path("docs/zoo.md"))
