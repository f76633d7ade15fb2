"""What the pieces cost, from the results that `python -m benchmarks.…` has written."""

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, linear_regression, median
from typing import Any

# Names in serving.json; importing them would import torch, and take longer than all that is done.
FOVEA, TRITON = "Fovea", "Triton alone, gRPC, pixels ready"
FULL_BATCH = 8  # of the exported models: what 32 clients that wait keep full
P95 = 1.645  # standard deviations of a normal distribution


class FiguresError(ValueError):
    """A figure that was asked for has not been measured; the message says how to measure it."""


@dataclass(frozen=True, slots=True)
class Batches:
    """Seconds of a batch of n: ``fixed_seconds + n * each_seconds``."""

    fixed_seconds: float
    each_seconds: float

    def seconds(self, batch: int) -> float:
        """Of one batch."""
        return self.fixed_seconds + batch * self.each_seconds

    @classmethod
    def fit(cls, seconds: dict[float, float]) -> "Batches":
        """The line through the seconds by batch size (least squares), neither part below 0.

        Of one size only, each image is taken to cost the same: the batch gains nothing.
        """
        if len(seconds) == 1:
            ((size, one),) = seconds.items()
            return cls(0.0, one / size)
        each, fixed = linear_regression(list(seconds), list(seconds.values()))
        if fixed < 0:
            return cls(0.0, sum(seconds.values()) / sum(seconds))
        if each < 0:
            return cls(fmean(seconds.values()), 0.0)
        return cls(fixed, each)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of one core; images are JPEG."""

    machine: str
    image_megapixels: float  # of the image that was measured
    image_bytes: int
    decode_seconds: float  # for a megapixel: decode and resize
    request_seconds: float  # the rest of the gateway, for one request; on its event loop
    wake_seconds: float  # more for a request that finds the gateway idle
    serving: Batches  # Triton on the CPU around a network: gRPC, queue, copies
    variation: float  # coefficient of variation of a request that is alone
    worker_mib: float  # resident memory: of one gateway worker,
    server_mib: float  # of tritonserver,
    instance_mib: float  # of one instance of a model in it


def load(folder: Path) -> Figures:
    """The figures of the results in ``folder``.

    Raises:
        FiguresError: one of the files is not there, or is not what this version writes.
    """
    cost, serving, soak = (_read(folder, name) for name in ("cost", "serving", "soak"))
    try:
        return _figures(cost, serving, soak, folder)
    except (KeyError, IndexError, TypeError, StopIteration) as error:
        raise FiguresError(f"the results in {folder} are not this version's: {error!r}") from error


def _figures(cost: Any, serving: Any, soak: Any, folder: Path) -> Figures:
    megapixels, image_bytes = _image(cost["image"])
    gateway, pixels = (median(cost[key]) / 1e6 for key in ("over_triton", "decode_and_resize"))
    alone, full = (_cpu(serving, TRITON, clients) for clients in (1, 32))
    triton = Batches.fit({1: alone, FULL_BATCH: FULL_BATCH * full})
    _, network = batches(folder, serving["model"].partition("/")[0])
    mib = soak["sightings"][-1]["mib"]
    return Figures(
        machine=cost["machine"],
        image_megapixels=megapixels,
        image_bytes=image_bytes,
        decode_seconds=pixels / megapixels,
        request_seconds=gateway - pixels,
        wake_seconds=max(0.0, _cpu(serving, FOVEA, 1) - alone - gateway),
        serving=Batches(
            max(0.0, triton.fixed_seconds - network.fixed_seconds),
            max(0.0, triton.each_seconds - network.each_seconds),
        ),
        variation=_variation(serving),
        worker_mib=mib["service"],
        server_mib=mib["tritonserver"],
        instance_mib=mib["triton_python_backend_stub"],
    )


def batches(folder: Path, model: str, side: int | None = None) -> tuple[int, Batches]:
    """A network's input, pixels a side, and its batches on one core, without a server.

    Raises:
        FiguresError: it is not among the networks that were measured.
    """
    measured = _read(folder, "networks")["lines"]
    lines = [line for line in measured if line["network"] == model]
    lines = [line for line in lines if side in (None, line["image_size"])]
    if not lines:
        raise FiguresError(
            f"no figures of {model!r}{f' at {side} pixels' if side else ''}: give --batch-ms or "
            "--gpu-images-per-second, or take one of "
            f"{', '.join(sorted({line['network'] for line in measured}))}"
        )
    side = int(lines[0]["image_size"])
    times = {line["batch"]: line["exported"] / 1000 for line in lines if line["image_size"] == side}
    return side, Batches.fit(times)


def _read(folder: Path, name: str) -> Any:
    file = folder / f"{name}.json"
    how = "make bench" if name == "serving" else f"python -m benchmarks.{name}"
    try:
        return json.loads(file.read_bytes())
    except FileNotFoundError:
        raise FiguresError(f"{file} is not there: `{how}` measures it") from None
    except json.JSONDecodeError as error:
        raise FiguresError(f"{file} is not JSON, which `{how}` writes: {error}") from None


def _image(told: str) -> tuple[float, int]:
    """Megapixels and bytes, of "73042 bytes of 640x480 JPEG"."""
    size, width, height = (int(number) for number in re.findall(r"\d+", told)[:3])
    return width * height / 1e6, size


def _cpu(serving: Any, name: str, clients: int) -> float:
    """Seconds of all cores for a request, with clients that wait."""
    return _median(serving, name, clients, lambda run: run["server_cpu_ms"] / 1000)


def _variation(serving: Any) -> float:
    """From how p95 stands to p50 where nothing queues, as if logarithms were normal."""
    ratio = _median(
        serving, FOVEA, 1, lambda run: run["figures"]["p95_ms"] / run["figures"]["p50_ms"]
    )
    return math.log(ratio) / P95


def _median(serving: Any, name: str, clients: int, value: Callable[[Any], float]) -> float:
    """Over the visits to one system, of the run with so many clients."""
    system = next(one for one in serving["systems"] if one["name"] == name)
    return median(
        value(next(run for run in visit["closed"] if run["clients"] == clients))
        for visit in system["visits"]
    )
