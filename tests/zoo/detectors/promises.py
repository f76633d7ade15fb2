"""What every detector promises, whatever its kind, as assertions on a model in eval mode."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from tests.zoo.detectors.scripting import reloaded, scripted
from zoo.detectors import Detector


def answers_of_every_kind(
    model: Detector, image: Tensor, thresholds: Sequence[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thresholds leave full slots of ``image`` (1, 3, H, W), some, and none."""
    counts = []
    for threshold in thresholds:
        monkeypatch.setattr(model, "score_threshold", threshold)
        counts.append(int(model(image)[3]))
    assert counts[0] == model.max_detections
    assert 0 < counts[1] < model.max_detections
    assert counts[2] == 0


def images_without_influence(model: Detector, batch: Tensor) -> None:
    """Each image of ``batch`` (B, 3, H, W) is answered as if it were alone."""
    together = model(batch)
    alone = [model(batch[[number]]) for number in range(len(batch))]
    for part, parts in zip(together, zip(*alone, strict=True), strict=True):
        assert torch.allclose(part, torch.cat(parts), rtol=0, atol=1e-9)


def the_same_scripted_and_reloaded(model: Detector, images: Tensor) -> tuple[Tensor, ...]:
    """The answer to ``images`` (2, 3, H, W), whose first four parts have the promised form."""
    script = scripted(model)
    wanted: tuple[Tensor, ...] = model(images)
    k = model.max_detections
    assert [tuple(part.shape) for part in wanted[:4]] == [(2, k, 4), (2, k), (2, k), (2, 1)]
    assert [part.dtype for part in wanted[2:4]] == [torch.int64, torch.int64]
    for other in (script, reloaded(script)):
        assert all(torch.equal(*parts) for parts in zip(other(images), wanted, strict=True))
    return wanted
