"""The command line of `size`: options to a load, an answer to a page."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.capacity import figures
from benchmarks.capacity.figures import Batches, Figures, FiguresError
from benchmarks.capacity.sizing import Load, Model, Nodes, Sizing, size
from service.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A sizing with all that it rests on; `--json` prints it."""

    load: Load
    model: Model
    nodes: Nodes
    figures: Figures
    sizing: Sizing
    assumptions: list[str]


def parser(results: Path) -> argparse.ArgumentParser:
    """Of all sub-commands."""
    whole = argparse.ArgumentParser(prog="python -m benchmarks.capacity", description=__doc__)
    commands = whole.add_subparsers(dest="what", required=True)
    one = commands.add_parser("size", help="gateways and Tritons for a load")
    _add_load(one)
    _add_model(one)
    _add_nodes(one)
    one.add_argument("--seed", type=int, default=0)
    one.add_argument("--json", action="store_true")
    other = commands.add_parser("check", help="predict a run, measure it, write both down")
    other.add_argument("--seconds", type=_positive, default=12.0, help="of each load")
    other.add_argument("--repeats", type=_count, default=2, help="of each rate")
    other.add_argument("--repository", type=Path, default=Path("model_repository"))
    third = commands.add_parser("batches", help="a running Triton's batches, for --batch-ms")
    third.add_argument("--triton", required=True, metavar="HOST:PORT", help="its gRPC")
    third.add_argument("--model", required=True)
    third.add_argument("--seconds", type=_positive, default=5.0, help="of each number of clients")
    for command in (one, other):
        command.add_argument("--results", type=Path, default=results, metavar="DIR")
    return whole


def _add_load(one: argparse.ArgumentParser) -> None:
    add = one.add_argument
    add("--rate", type=_positive, required=True, help="images a second at the peak")
    add("--p99-ms", type=_positive, required=True, help="to be kept with nodes lost, too")
    add("--image-megapixels", type=_positive, help="default: the image that was measured")
    add("--image-bytes", type=_count, help="default: as that one, by its megapixels")
    add("--answer-bytes", type=_count, default=1300, help="with headers")
    add("--cache-hits", type=_share, default=0.0, help="share that the gateway's cache answers")
    add("--shadow", type=_share, default=0.0, help="share of images that a candidate sees, too")


def _add_model(one: argparse.ArgumentParser) -> None:
    add = one.add_argument
    add("--model", default="mbv2_simam", help="one of networks.json, if no times are given")
    add("--input-side", type=_count, help="pixels of the model's square input")
    add("--max-batch", type=_count, default=figures.FULL_BATCH)
    given = one.add_mutually_exclusive_group()
    given.add_argument(
        "--batch-ms", type=_times, metavar="1=6,8=23", help="as `batches` has measured them"
    )
    given.add_argument("--gpu-images-per-second", type=_positive, metavar="N", help="of one GPU")
    add("--gpu", action="store_true", help="whether the times of --batch-ms are a GPU's")


def _add_nodes(one: argparse.ArgumentParser) -> None:
    add = one.add_argument
    add("--gateway-cores", type=_count, default=2, help="of a replica")
    add("--triton-instances", type=_count, help="a node: each a core (default 2) or a GPU (1)")
    add("--nodes-lost", type=_count_or_none, default=1, help="of each kind, with p99 kept")
    add("--utilisation", type=_part, default=0.6, help="at most, of a stage, with those lost")


def size_from(options: argparse.Namespace) -> Answer:
    """The sizing that the options ask for.

    Raises:
        FiguresError: a figure was not measured.
        ImpossibleError: no number of nodes keeps the p99.
    """
    known = figures.load(options.results)
    model, assumptions = _model(options, known)
    load, nodes = _load(options, known), _nodes(options, model)
    found = size(load, model, known, nodes, options.seed)
    return Answer(
        load=load,
        model=model,
        nodes=nodes,
        figures=known,
        sizing=found,
        assumptions=[*assumptions, *_always(known)],
    )


def _load(options: argparse.Namespace, known: Figures) -> Load:
    megapixels = options.image_megapixels or known.image_megapixels
    per_megapixel = known.image_bytes / known.image_megapixels
    return Load(
        rate=options.rate,
        p99_ms=options.p99_ms,
        image_megapixels=megapixels,
        image_bytes=options.image_bytes or round(megapixels * per_megapixel),
        answer_bytes=options.answer_bytes,
        cache_hits=options.cache_hits,
        shadow_share=options.shadow,
    )


def _model(options: argparse.Namespace, known: Figures) -> tuple[Model, list[str]]:
    given = options.gpu_images_per_second or options.batch_ms
    if given and not options.input_side:
        raise FiguresError("times of a model of your own need --input-side, for the bandwidth")
    one = Model(
        name=options.model,
        side=options.input_side or 0,
        batches=Batches(0.0, 0.0),
        max_batch=options.max_batch,
        on_gpu=options.gpu or bool(options.gpu_images_per_second),
    )
    if options.gpu_images_per_second:
        seconds = one.max_batch / options.gpu_images_per_second
        told = f"a GPU gives {options.gpu_images_per_second:g} images/s, a figure that was given"
        return replace(one, batches=Batches(seconds, 0.0)), [
            f"{told}; any batch takes as long as a full one, {1000 * seconds:.1f} ms"
        ]
    if options.batch_ms:
        return replace(one, batches=Batches.fit(options.batch_ms)), [
            "the batches' times were given; what Triton takes around them is in them, or is nothing"
        ]
    side, network = figures.batches(options.results, one.name, options.input_side)
    batches = Batches(
        network.fixed_seconds + known.serving.fixed_seconds,
        network.each_seconds + known.serving.each_seconds,
    )
    return replace(one, side=side, batches=batches), [
        "the network's time is that of networks.json, and Triton's around it that of mbv2_simam"
    ]


def _nodes(options: argparse.Namespace, model: Model) -> Nodes:
    settings = Settings.load()
    return Nodes(
        gateway_cores=options.gateway_cores,
        triton_instances=options.triton_instances or (1 if model.on_gpu else 2),
        lost=options.nodes_lost,
        utilisation=options.utilisation,
        decode_bytes=settings.max_decode_bytes,
        buffered_bytes=settings.max_buffered_bytes,
        cache_bytes=settings.cache_bytes,
    )


def _always(known: Figures) -> list[str]:
    return [
        f"a core is as fast as those measured: {known.machine}",
        "images are JPEG, decoding grows with the megapixels; arrivals are Poisson at the peak",
        "gateways get requests at random; each Triton instance has a core or a GPU to itself",
        "nothing between the machines takes time",
    ]


def page(answer: Answer) -> str:
    """The answer to read."""
    load, model, found = answer.load, answer.model, answer.sizing
    whole, reduced, each = found.whole, found.reduced, "GPU" if model.on_gpu else "core"
    cores, instances = answer.nodes.gateway_cores, answer.nodes.triton_instances
    core = f"{found.triton_mib} MiB at most" if found.triton_mib else "memory: measure it"
    lines = [
        f"{load.rate:g} images/s of {load.image_megapixels:g} megapixels, {model.name}, "
        f"p99 within {load.p99_ms:g} ms",
        "",
        f"gateways  {whole.gateways} of {cores} cores each, FOVEA_WORKERS={found.gateway_workers}; "
        f"{found.gateway_mib} MiB and {found.gateway_in_flight} predictions in flight, at most",
        f"Tritons   {whole.tritons} of {instances} instances each, a {each} an instance; {core}",
        f"wire      {found.upload_mbit:g} Mbit/s in, {found.tensor_mbit:g} to Triton, "
        f"{found.answer_mbit:g} out",
        "",
        "                 gateways  used  Tritons  used  mean batch  p50 ms  p99 ms",
    ]
    rows = [("all", whole)]
    if answer.nodes.lost:
        rows.append((f"{answer.nodes.lost} of each lost", reduced))
    for name, one in rows:
        lines.append(
            f"{name:<16} {one.gateways:>8} {one.gateway_utilisation:>5.0%} {one.tritons:>8} "
            f"{one.triton_utilisation:>5.0%} {one.mean_batch:>11.1f} {one.p50_ms:>7.1f} "
            f"{one.p99_ms:>7.1f}"
        )
    return "\n".join([*lines, "", "Assumed:", *(f"- {line}" for line in answer.assumptions)])


def _number(test: Callable[[float], bool], wanted: str) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not test(value):
            raise argparse.ArgumentTypeError(f"{text!r} is not {wanted}")
        return value

    return parse


def _whole(least: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} on")
        return int(text)

    return parse


_positive = _number(lambda value: 0 < value < float("inf"), "above 0")
_share = _number(lambda value: 0 <= value < 1, "a share from 0 to below 1")
_part = _number(lambda value: 0 < value < 1, "between 0 and 1")
_count, _count_or_none = _whole(1), _whole(0)


def _times(text: str) -> dict[float, float]:
    """Seconds by batch size, of ``1=6.1,8=23`` in milliseconds."""
    pairs = [part.partition("=") for part in text.split(",")]
    return {_count(size): _positive(ms) / 1000 for size, _, ms in pairs}
