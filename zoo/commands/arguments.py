"""What the arguments of several commands share: kinds of values, options, and reading them."""

import argparse
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any

from zoo import weights

Options = argparse.Namespace
SIZES = {"train": "images", "validation": "validation_images", "test": "test_images"}


def given(options: Options, names: dict[str, str]) -> dict[str, Any]:
    """What the user gave, by field; the others stay as usual."""
    values = {field: getattr(options, option) for field, option in names.items()}
    return {field: value for field, value in values.items() if value is not None}


def add_weights(parser: argparse.ArgumentParser) -> None:
    """Declare where weights and cards lie."""
    parser.add_argument("--weights", type=Path, default=weights.FOLDER, metavar="DIR")


def add_number(  # noqa: PLR0913 - the words of one line of help
    group: argparse._ArgumentGroup,
    option: str,
    kind: Callable[[str], float],
    classifier: float,
    detector: float,
    *,
    before: str = "",
    more: str = "",
) -> None:
    """Declare a number whose help says what holds for a classifier and for a detector."""
    usual = f"{before}{classifier:g}, or {detector:g} for a detector{more}"
    group.add_argument(option, type=kind, metavar="N", help=usual)


def count(text: str) -> int:
    """One or more; argparse turns the error into a message with the option's name."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is too few; it must be at least 1")
    return number


def positive(text: str) -> float:
    """Above 0, and finite; likewise."""
    number = float(text)
    if not 0 < number < inf:
        raise argparse.ArgumentTypeError(f"{text} must be above 0")
    return number


def share(text: str) -> float:
    """Between 0 and 1, without these; likewise."""
    number = float(text)
    if not 0 < number < 1:
        raise argparse.ArgumentTypeError(f"{text} must be between 0 and 1")
    return number
