"""The proof that a file answers as eager PyTorch does."""

import copy

import torch
from torch import Tensor

from contract.recipe import Task
from zoo.export.compare_detections import furthest_score
from zoo.export.exporter import Answers, Exporter, ExportError, Run
from zoo.export.probes import Size, pictures, probe
from zoo.export.wrap import Served, ServedClassifier, ServedDetector

TOLERANCE = 1e-5  # largest difference of one probability, unless float32 itself is coarser
MAP_TOLERANCE = 10.0  # times that: of class maps, which are logits, by their largest value
BATCHES = {Task.CLASSIFICATION: (1, 8), Task.DETECTION: (1, 4)}
"""The smallest and the largest batch that Triton is configured to form."""


def prove(exporter: Exporter, served: Served, image_size: Size) -> bytes:
    """The file of ``served``, after it was loaded again and compared.

    Args:
        exporter: the format.
        served: images (B, H, W, 3) uint8 in, the answers of its task out.
        image_size: H and W, in pixels.

    Raises:
        ExportError: there is no such file, or it does not answer as eager does.
    """
    file = exporter.write(served, image_size)
    compare(exporter.load(file), served, image_size)
    return file


def compare(run: Run, served: Served, image_size: Size) -> float:
    """The largest difference of a score between ``run`` and eager, over all batches tried.

    Raises:
        ExportError: shape, type, best class or detections differ, a value is not finite, or the
            difference is too large.
    """
    eager = copy.deepcopy(served).eval()
    draw = pictures if isinstance(served, ServedDetector) else probe
    batches = BATCHES[served.task]
    images = [draw(batch, image_size) for batch in batches]
    return max(_difference(run, eager, some, images[-1]) for some in images)


def _difference(run: Run, eager: Served, images: Tensor, many: Tensor) -> float:
    with torch.inference_mode():
        got, wanted = run(images), eager(images)
    batch = len(images)
    for number, (one, other) in enumerate(zip(got, wanted, strict=True)):
        if one.shape != other.shape or one.dtype != other.dtype:
            raise ExportError(
                f"batch {batch}, output {number}: the file answers {one.dtype} "
                f"{tuple(one.shape)}, eager {other.dtype} {tuple(other.shape)}"
            )
    if isinstance(eager, ServedDetector):
        return furthest_score(got, wanted, eager.network.score_threshold)
    return _furthest_probability(got, wanted, eager, many)


def _furthest_probability(
    got: Answers, wanted: Answers, eager: ServedClassifier, many: Tensor
) -> float:
    try:
        return _compare_scores(got, wanted, TOLERANCE)
    except ExportError:
        return _compare_scores(got, wanted, max(TOLERANCE, 2 * _rounding(eager, many)))


def _compare_scores(got: Answers, wanted: Answers, tolerance: float) -> float:
    batch, difference = len(got[0]), _furthest(got[0], wanted[0])
    if not difference <= tolerance:  # written so that NaN is refused
        raise ExportError(
            f"batch {batch}: the file differs from eager by {difference:.2g}; "
            f"at most {tolerance:.2g} is accepted"
        )
    if not torch.equal(got[0].argmax(dim=1), wanted[0].argmax(dim=1)):
        raise ExportError(f"batch {batch}: the file and eager disagree on the best class")
    _compare_maps(got, wanted, tolerance)
    return difference


def _compare_maps(got: Answers, wanted: Answers, tolerance: float) -> None:
    """Hold class maps against each other where both must have ranked the classes alike."""
    for maps, expected in zip(got[1:], wanted[1:], strict=True):
        best = wanted[0].topk(min(maps.shape[1] + 1, wanted[0].shape[1]), dim=1).values
        clear = (best[:, :-1] - best[:, 1:]).amin(dim=1) > 2 * tolerance
        difference = _furthest(maps[clear], expected[clear])
        largest = max(1.0, expected.abs().max().item())
        if not difference <= MAP_TOLERANCE * tolerance * largest:
            raise ExportError(f"the file's class maps differ from eager's by {difference:.2g}")


def _rounding(eager: ServedClassifier, images: Tensor) -> float:
    """How far eager is from its own answer in float64: what no file can be blamed for.

    Of well-conditioned weights it is some 1e-7; where activations nearly vanish before a batch
    norm, as in weights that have hardly learnt, it may exceed TOLERANCE.
    """
    network = copy.deepcopy(eager.network).double()
    with torch.inference_mode():
        exact = torch.softmax(network(eager.normalise(images).double()), dim=1)
        return _furthest(eager(images)[0].double(), exact)


def _furthest(one: Tensor, other: Tensor) -> float:
    return (one - other).abs().max().item() if one.numel() else 0.0
