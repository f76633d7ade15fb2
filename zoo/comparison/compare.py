"""Trains a backbone with every attention mechanism alike, and measures what each is worth.

Each network that is finished is a JSON file in the results folder, so that a comparison may be
stopped at any time and goes on where it was.
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from zoo import machine
from zoo.attention import MECHANISMS
from zoo.classifiers import ARCHITECTURES, create
from zoo.comparison import latency
from zoo.comparison.results import LARGE, Comparison, Contestant, Trial, packed
from zoo.costs.complexity import cost
from zoo.data.description import Data
from zoo.data.samples import ClassificationData
from zoo.data.signs import draw_crops
from zoo.evaluation.calibration import calibration
from zoo.evaluation.classifier import logits
from zoo.export import servable
from zoo.schedules import Schedule
from zoo.signs.dataset import LABELS, SIDE
from zoo.storage import Storage
from zoo.training.job import Job
from zoo.training.publish import publish

BACKBONE = "mbv2"
REFERENCE = f"{BACKBONE}_none"
NETWORKS = tuple(f"{BACKBONE}_{mechanism}" for mechanism in MECHANISMS)
SETTINGS = "settings.json"


class ComparisonError(ValueError):
    """A comparison cannot go on; the message says what to do instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is the same for every network; the schedule's seed is each trial's own."""

    data: Data
    schedule: Schedule
    device: str = "cuda" if torch.cuda.is_available() else "cpu"

    def document(self) -> dict[str, Any]:
        """As the results folder keeps them, to be compared with those of a later call."""
        schedule = {key: value for key, value in asdict(self.schedule).items() if key != "seed"}
        parts = {"data": asdict(self.data), "schedule": schedule}
        document = {f"{part}.{key}": value for part in parts for key, value in parts[part].items()}
        return document | {"machine": self.machine()}

    def machine(self) -> str:
        """What the networks are trained with."""
        processor = machine.describe("torch", "numpy", "pillow")
        return f"{torch.cuda.get_device_name()}, {processor}" if self.device != "cpu" else processor


def compare(
    names: Sequence[str], seeds: Sequence[int], terms: Terms, folder: Path, *, seconds: float = 2.0
) -> Comparison:
    """Train what ``folder`` lacks of ``names`` by ``seeds``, seed by seed, then time all of them.

    ``names`` hold REFERENCE; the weights of each seed lie in ``folder``/seed<seed>, and those of
    the first seed are timed, for ``seconds`` at each batch size.

    Raises:
        ComparisonError: ``folder`` holds trials of other terms.
    """
    _settle(terms, folder)
    data: ClassificationData | None = None
    trials = []
    for seed in seeds:
        for name in names:
            file = folder / f"{name}-seed{seed}.json"
            if not file.exists():
                data = data or draw_crops(terms.data)
                _write_whole(file, asdict(_trial(name, seed, terms, data, folder)))
                shutil.rmtree(_run(name, seed, folder))  # 20 MB each
            trials.append(Trial(**json.loads(file.read_text())))
    times = latency.measure(
        names, weights_folder(folder, seeds[0]), reference=REFERENCE, seconds=seconds
    )
    return Comparison(
        reference=REFERENCE,
        settings=_words(terms),
        trained_with=terms.machine(),
        timed_on=machine.describe("torch"),
        contestants=tuple(_contestant(name) for name in names),
        trials=tuple(trials),
        latencies=tuple(times),
    )


def weights_folder(folder: Path, seed: int) -> Path:
    """Where the weights and cards of ``seed`` are, of a comparison in ``folder``."""
    return folder / f"seed{seed}"


def _trial(name: str, seed: int, terms: Terms, data: ClassificationData, folder: Path) -> Trial:
    """Train ``name`` from ``seed``, leave its weights and card, and ask it the test images."""
    job = Job(
        network=name,
        name=name,
        folder=weights_folder(folder, seed),
        storage=_storage(name),
        device=terms.device,
        run=_run(name, seed, folder),
        resume=True,
    )
    card = publish(job, replace(terms.schedule, seed=seed), data)
    network = servable.trained(name, job.folder).served.network.to(terms.device)
    images, labels = data.test.tensors
    answers = logits(network, images)
    return Trial(
        network=name,
        seed=seed,
        best_epoch=card.best_epoch,
        images=len(labels),
        right=packed((answers.argmax(dim=1) == labels).tolist()),
        ece=calibration(torch.softmax(answers.double(), dim=1), labels).ece,
    )


def _storage(name: str) -> Storage:
    """float16, and int8 for what would be many times larger than the others."""
    return Storage.INT8 if _contestant(name).parameters > LARGE else Storage.FLOAT16


def _run(name: str, seed: int, folder: Path) -> Path:
    """Where an unfinished training keeps its state."""
    return folder / "runs" / f"{name}-seed{seed}"


def _settle(terms: Terms, folder: Path) -> None:
    """Leave the terms in ``folder``, or refuse to mix them with others."""
    file = folder / SETTINGS
    asked = terms.document()
    if not file.exists():
        _write_whole(file, asked)
        return
    there = json.loads(file.read_text())
    differing = [
        f"{name} is {there.get(name)} there and {asked[name]} now"
        for name in asked
        if there.get(name) != asked[name]
    ]
    if differing:
        raise ComparisonError(
            f"{folder} holds a comparison with other settings: {'; '.join(differing)}; go on with "
            "the same ones, or compare in another folder"
        )


def _contestant(name: str) -> Contestant:
    with torch.device("meta"):
        found = cost(create(name, num_classes=len(LABELS), image_size=SIDE), SIDE)
    return Contestant(
        network=name,
        attention=ARCHITECTURES[name].attention,
        parameters=found.parameters,
        layer_macs=found.layer_macs,
        matmul_macs=found.matmul_macs,
    )


def _words(terms: Terms) -> dict[str, str]:
    schedule = [part for part in str(terms.schedule).split(", ") if not part.startswith("seed ")]
    return {
        "data": f"{terms.data}; all of it is drawn by a program",
        "schedule": ", ".join(schedule),
    }


def _write_whole(file: Path, document: dict[str, Any]) -> None:
    """Replace ``file`` at once, so that no stop leaves half of it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    part.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    part.replace(file)
