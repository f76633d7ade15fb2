"""Measure networks as they are exported against the plain way: `python -m benchmarks.networks`."""

import argparse
import copy
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median

import torch
from torch import Tensor, nn
from torch.jit import optimized_execution  # type: ignore[attr-defined]  # public, not exported

from benchmarks.machine import describe
from zoo import classifiers
from zoo.attention import MECHANISMS
from zoo.comparison.latency import BATCHES, ENVIRONMENT, Call, interleaved
from zoo.export.exporter import Answers
from zoo.export.formats import exporter
from zoo.export.probes import probe
from zoo.export.torchscript import archive
from zoo.export.wrap import ServedClassifier

RESULTS = Path(__file__).parent / "results"
CASES = [(f"mbv2_{attention}", 64) for attention in MECHANISMS]
CASES += [(f"rn18_{attention}", 64) for attention in ("none", "simam", "sge", "gam", "ccnet")]
CASES += [("rn50_simam", 64), ("mbv2_none", 224), ("mbv2_simam", 224), ("rn50_simam", 224)]


@dataclass(frozen=True)
class Line:
    """Median milliseconds of one call, for each way to run a network."""

    network: str
    image_size: int
    batch: int
    eager: float
    plain: float  # scripted and frozen, nothing else
    exported: float  # what `python -m zoo export` writes
    onnxruntime: float


class PlainHead(nn.Module):
    """A served network as most people script it: no class maps."""

    def __init__(self, normalise: nn.Module, network: nn.Module) -> None:
        super().__init__()
        self.normalise = normalise
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Probabilities of (B, H, W, 3) pixels."""
        return torch.softmax(self.network(self.normalise(images)), dim=1)


def medians(calls: dict[str, Call], seconds: float) -> dict[str, float]:
    """Milliseconds of each call; they take turns, so that a busy moment hits all of them."""
    spent = interleaved(calls, seconds)
    return {name: round(1000 * median(times), 3) for name, times in spent.items()}


def measure(name: str, image_size: int, seconds: float) -> list[Line]:
    """Every way to run one network, at each batch size."""
    network = classifiers.create(name, num_classes=10, image_size=image_size)
    served = ServedClassifier(network).eval()
    plain = PlainHead(copy.deepcopy(served.normalise), copy.deepcopy(served.network)).eval()
    runs: dict[str, Callable[[Tensor], Answers]] = {
        "eager": served,
        "plain": exporter("torchscript").load(archive(plain)),
    }
    for column, format_name in (("exported", "torchscript"), ("onnxruntime", "onnx")):
        form = exporter(format_name)
        runs[column] = form.load(form.write(served, image_size))
    lines = []
    for batch in BATCHES:
        images = probe(batch, image_size)
        calls: dict[str, Call] = {way: partial(run, images) for way, run in runs.items()}
        with torch.inference_mode(), optimized_execution(False):
            lines.append(Line(name, image_size, batch, **medians(calls, seconds)))
    return lines


def main() -> None:
    """Run every case in a process of its own, as Triton would; write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="for each line of the table")
    parser.add_argument("--case", nargs=2, metavar=("NAME", "SIZE"), help="this one, as JSON")
    options = parser.parse_args()
    if options.case:
        warnings.simplefilter("ignore")
        torch.set_num_threads(1)
        name, size = options.case
        print(json.dumps([asdict(one) for one in measure(name, int(size), options.seconds)]))
        return
    lines = []
    for name, size in CASES:
        command = [sys.executable, "-m", "benchmarks.networks", "--seconds", str(options.seconds)]
        command += ["--case", name, str(size)]
        output = subprocess.check_output(command, env=os.environ | ENVIRONMENT, text=True)
        lines += [Line(**fields) for fields in json.loads(output.splitlines()[-1])]
        print(_row(lines[-2]), _row(lines[-1]), sep="\n", flush=True)
    _write(lines)


def _row(line: Line) -> str:
    return (
        f"| {line.network} | {line.image_size} | {line.batch} | {line.eager:.2f} "
        f"| {line.plain:.2f} | {line.exported:.2f} | {line.exported / line.plain:.2f} "
        f"| {line.onnxruntime:.2f} |"
    )


def _write(lines: list[Line]) -> None:
    RESULTS.mkdir(exist_ok=True)
    machine = describe("torch", "onnxruntime")
    document = {"machine": machine, "lines": [asdict(line) for line in lines]}
    (RESULTS / "networks.json").write_text(json.dumps(document, indent=1) + "\n")
    head = (
        "| network | pixels | batch | eager ms | plain ms | exported ms | ratio | ONNX Runtime ms |"
    )
    table = "\n".join([head, "|---|---|---|---|---|---|---|---|", *map(_row, lines)])
    (RESULTS / "networks.md").write_text(
        f"{table}\n\nMilliseconds; ratio = exported / plain. {machine}, one thread\n"
    )


if __name__ == "__main__":
    main()
