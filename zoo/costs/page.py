"""Writes docs/zoo.md: the costs of every backbone with every mechanism, beside published ones."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import torch

from zoo.attention import MECHANISMS
from zoo.backbones import BACKBONES
from zoo.classifiers import create
from zoo.costs.complexity import Cost, cost
from zoo.costs.published import PUBLISHED, Published
from zoo.places import Family

IMAGE_SIZE = 224
NUM_CLASSES = 1000

INTRODUCTION = f"""# What every network costs

Written by `python -m zoo table`; a test holds this page against the code. `python -m zoo info
NAME` gives the exact numbers of one network.

A multiply-accumulate (MAC) is counted for convolutions and linear layers, as published counts
mostly do. Products of activations with each other (the attention matrices of PSA, DANet and
CCNet, the similarities in SGE) follow a plus sign. Norms, activations, pooling and gates are left
out: they cost passes over memory, not multiplications, so the count is no forecast of the time.
All of it is for one image of {IMAGE_SIZE}×{IMAGE_SIZE} pixels and {NUM_CLASSES} classes;
`mbv2 (standard)` is `form="standard"`, with the 24-channel stage and 1280 last channels.
"""

PLACES = """## Where the attention sits

The published place, if there is one for the kind of backbone; `place=` chooses another.

"""

PARAMETERS = """
## Parameters

SA and SGE share 64 groups of channels where these divide so, and as many as divide them
otherwise (40 at 160 channels). ECA's kernels follow its paper's rule; the released networks have
others, by `attention={"kernel_size": …}`.

"""

MACS = """
## Millions of multiply-accumulates

"""

COMPARISON = """
## Against published figures

Both counts are rounded to the digits that the source prints. ECA's README prints in units of 2^20
and 2^30, and so does its row here. No source says what it counts; the reasons given here are those
that lead to its figures.

"""

REMARKS = """
## What the figures hide

- SE has no biases here, as in the common PyTorch port: 28.07 M for ResNet50. The published
  28.09 M are those of the authors' form, `attention={"bias": True}`.
- SA adds 708 parameters to ResNet50, 3·C / 64 for each of its 16 blocks. Its paper says 300; the
  released checkpoint has the 708.
- CBAM on ResNet50 has the parameters of SE with biases and 1,600 more: 100 for each of the 16
  spatial gates.
- PSA averages the map before it projects it, where the published code projects every position
  first. The answers are equal; the MACs are fewer than that code's.
- MobileNetV2+SE and +CBAM of the CA paper sit before the projection; their reduction ratio of 24
  was found from the printed count, as the source does not give it.
- GAM's 7×7 convolutions cost about 25·C² parameters each time: at 2048 channels more than the
  rest of ResNet50.
"""


def page() -> str:
    """The content of docs/zoo.md."""
    costs = {column: _column(column) for column in _columns()}

    def matrix(cell: Callable[[Cost], str]) -> str:
        rows = [
            [f"`{mechanism}`", *(cell(costs[column][mechanism]) for column in costs)]
            for mechanism in MECHANISMS
        ]
        return _markdown(["", *(_title(column) for column in costs)], rows)

    return "".join(
        [
            INTRODUCTION,
            "\n",
            PLACES,
            _places(),
            PARAMETERS,
            matrix(lambda one: f"{one.parameters:,}"),
            MACS,
            matrix(_millions),
            COMPARISON,
            _comparison(),
            REMARKS,
        ]
    )


def compare(row: Published) -> Cost:
    """What our network of a published row costs."""
    return _measure(row.name, row.image_size, row.num_classes, row.options)


def rounded(count: int, row: Published, printed: str, power: int) -> str:
    """``count`` as ``row`` prints it: in thousands to ``power``, with the digits of ``printed``."""
    unit = (1024 if row.binary_units else 1000) ** power
    digits = len(printed.partition(".")[2])
    return f"{Decimal(count) / unit:.{digits}f}"


def _columns() -> Iterator[tuple[str, str]]:
    """Every backbone in each of its forms."""
    for backbone in BACKBONES:
        for form in BACKBONES[backbone].forms:
            yield backbone, form


def _title(column: tuple[str, str]) -> str:
    backbone, form = column
    return backbone if form == BACKBONES[backbone].form else f"{backbone} ({form})"


def _column(column: tuple[str, str]) -> dict[str, Cost]:
    backbone, form = column
    return {
        mechanism: _measure(f"{backbone}_{mechanism}", IMAGE_SIZE, NUM_CLASSES, {"form": form})
        for mechanism in MECHANISMS
    }


def _measure(name: str, image_size: int, num_classes: int, options: Mapping[str, Any]) -> Cost:
    with torch.device("meta"):  # shapes without numbers: 150 networks in seconds
        network = create(name, num_classes=num_classes, image_size=image_size, **options)
    return cost(network, image_size)


def _millions(one: Cost) -> str:
    layers = f"{one.layer_macs / 1e6:,.1f}"
    return f"{layers} + {one.matmul_macs / 1e6:,.1f}" if one.matmul_macs else layers


def _places() -> str:
    rows = []
    for mechanism in MECHANISMS:
        known = MECHANISMS[mechanism]
        by_family = {family: known.place_in(family) for family in Family}
        words = [
            f"{place.where} ({', '.join(f for f in by_family if by_family[f] is place)})"
            for place in dict.fromkeys(by_family.values())
        ]
        place = known.place.where if len(words) == 1 else "; ".join(words)
        rows.append([f"`{mechanism}`", place, known.paper or ""])
    return _markdown(["", "place", "paper"], rows)


def _comparison() -> str:
    counts = ["parameters (M)", "printed", "MACs (G)", "printed"]
    header = ["published as", "ours", *counts, "why they differ", "source"]
    return _markdown(header, map(_row, PUBLISHED))


def _row(row: Published) -> list[str]:
    ours = compare(row)
    notes = {"parameters": row.parameters_note, "MACs": row.macs_note}
    return [
        row.model,
        f"`{row.name}`{_options(row.options)}",
        *_pair(ours.parameters, row, row.parameters, 2),
        *_pair(ours.layer_macs, row, row.macs, 3),
        "; ".join(f"{count}: {note}" for count, note in notes.items() if note),
        row.source,
    ]


def _pair(count: int, row: Published, printed: str | None, power: int) -> tuple[str, str]:
    return ("", "") if printed is None else (rounded(count, row, printed, power), printed)


def _options(options: Mapping[str, Any]) -> str:
    return "".join(f", `{name}={value!r}`" for name, value in options.items())


def _markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
