"""The commands that tell what there is: ``list`` of all models, ``info`` of one."""

import argparse
import json
from dataclasses import asdict

from contract.recipe import Task
from zoo.commands import entries
from zoo.commands.arguments import Options, add_weights
from zoo.commands.entries import Entry
from zoo.evaluation.report import percent

MORE_DETECTORS = (
    "detectors: retinanet_, frcnn_ or mrcnn_ before the name of a classifier; --detectors has all"
)


def list_models(options: Options) -> None:
    """Print every classifier, and what else there are weights for."""
    names = entries.detectors() if options.detectors else entries.names(options.weights)
    found = [entries.entry(name, options.weights) for name in names]
    if options.json:
        print(_json([asdict(entry) for entry in found]))
        return
    for entry in found:
        print(f"{entry.name:16} {entry.architecture:30} {entry.attention:10} {_standing(entry)}")
    if not options.detectors:
        print(MORE_DETECTORS)


def add_list_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``list``."""
    parser.add_argument(
        "--detectors", action="store_true", help="every detector instead: there are hundreds"
    )
    _add_json(parser)
    add_weights(parser)


def show_info(options: Options) -> None:
    """Print everything about one model."""
    info = entries.info(options.name, options.weights)
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


def add_info_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``info``."""
    parser.add_argument("name")
    _add_json(parser)
    add_weights(parser)


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for programs")


def _standing(entry: Entry) -> str:
    for figure in (entry.test_accuracy, entry.test_ap):
        if figure is not None:
            return percent(figure)
    return "not measured" if entry.weights else "no weights"


def _size(image_size: int | tuple[int, int]) -> str:
    height, width = (image_size, image_size) if isinstance(image_size, int) else image_size
    return f"{height}×{width}"


def _json(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)
