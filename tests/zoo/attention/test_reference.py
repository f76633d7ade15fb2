"""Every recorded case of the reference implementations, in their own words and keys."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from zoo.checkpoints import reference_module
from zoo.checkpoints.mechanisms import REFERENCES
from zoo.checkpoints.state import CheckpointError
from zoo.registry import UnknownNameError

HERE = Path(__file__).parent / "golden"  # the smallest cases
ALL = Path(__file__).parents[4] / "shared/golden/attention"
ABSENT = pytest.mark.skip(reason=f"{ALL} is absent: the reference data is not part of the project")

Case = dict[str, Any]


def index(folder: Path) -> list[Case]:
    path = folder / "index.json"
    return json.loads(path.read_text())["cases"] if path.exists() else []


def cases() -> list[Any]:
    found = [
        pytest.param(folder, case, id=f"{folder.parent.name}-{Path(case['file']).stem}")
        for folder in (HERE, ALL)
        for case in index(folder)
    ]
    return found if index(ALL) else [*found, pytest.param(ALL, {}, marks=ABSENT, id="all")]


def read(folder: Path, case: Case) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The recorded inputs and outputs, and the reference's state_dict."""
    tensors = load_file(folder / case["file"])
    state = {k.removeprefix("p."): v for k, v in tensors.items() if k.startswith("p.")}
    return tensors, state


def answers(case: Case, state: dict[str, Tensor], x: Tensor) -> dict[str, Tensor]:
    layer = reference_module(case["module"], case["variant"], case["hyper"], state)
    with torch.inference_mode():
        y = layer(x)
    return dict(zip(case["outputs"], y if isinstance(y, tuple) else (y,), strict=True))


@pytest.mark.parametrize(("folder", "case"), cases())
def test_it_reproduces_the_reference(folder: Path, case: Case) -> None:
    tensors, state = read(folder, case)
    atol = 10 * case["max_abs_f32_minus_f64"] + 1e-6
    for name, y in answers(case, state, tensors["x"]).items():
        torch.testing.assert_close(y, tensors[name], rtol=0, atol=atol)
    if case["has_y64"]:
        wide = {k: v.double() if v.is_floating_point() else v for k, v in state.items()}
        for name, y in answers(case, wide, tensors["x"].double()).items():
            torch.testing.assert_close(y, tensors[f"{name}64"], rtol=0, atol=1e-8)


def test_every_recorded_implementation_is_known() -> None:
    if not ALL.exists():
        pytest.skip(f"{ALL} is absent: the reference data is not part of the project")
    assert {f"{case['module']} {case['variant']}" for case in index(ALL)} == set(REFERENCES)


def coordinate_state(**extra: Tensor) -> dict[str, Tensor]:
    """A reference state_dict of 16 channels, squeezed to 8, without a batch counter."""
    shapes = {
        **{"conv1.weight": (8, 16, 1, 1), "conv1.bias": (8,)},
        **{f"bn1.{name}": (8,) for name in ("weight", "bias", "running_mean", "running_var")},
        **{f"conv_{side}.weight": (16, 8, 1, 1) for side in "hw"},
        **{f"conv_{side}.bias": (16,) for side in "hw"},
    }
    return {**{key: torch.rand(shape) for key, shape in shapes.items()}, **extra}


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_it_takes_the_precision_of_the_state_and_evaluates(dtype: torch.dtype) -> None:
    state = {key: value.to(dtype) for key, value in coordinate_state().items()}
    layer = reference_module("coordatt", "official", {"inp": 16, "oup": 16}, state)
    assert {p.dtype for p in layer.parameters()} == {dtype}
    assert not any(part.training for part in layer.modules())


def test_the_state_is_copied() -> None:
    state = coordinate_state()
    layer = reference_module("coordatt", "official", {"inp": 16}, state)
    state["bn1.weight"].zero_()
    assert layer.norm.weight.min() > 0


def test_words_that_are_left_out_take_the_references_defaults() -> None:
    assert reference_module("simam", "official", {}, {}).lambda_ == 1e-4
    assert reference_module("sge", "official", {}, sge_state(64)).groups == 64
    with pytest.raises(ValueError, match="coordatt official needs hyper-parameter inp; it knows"):
        reference_module("coordatt", "official", {"reduction": 8}, coordinate_state())


def sge_state(groups: int) -> dict[str, Tensor]:
    return {"weight": torch.rand(1, groups, 1, 1), "bias": torch.rand(1, groups, 1, 1)}


def test_unknown_names_and_words_say_what_there_is() -> None:
    with pytest.raises(UnknownNameError, match=r"Did you mean 'cbam official'.*cbam seed"):
        reference_module("cbam", "oficial", {}, {})
    with pytest.raises(ValueError, match=r"sge official has no hyper-parameter G; it knows groups"):
        reference_module("sge", "official", {"G": 8}, sge_state(8))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"conv3.weight": torch.rand(16, 8, 1, 1)}, "unexpected: conv3.weight"),
        ({"conv1.bias": torch.rand(9)}, r"of another shape: conv1.bias \(9,\) instead of \(8,\)"),
    ],
)
def test_a_state_that_does_not_fit_is_refused_by_its_own_names(change, message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        reference_module("coordatt", "official", {"inp": 16}, coordinate_state(**change))


def test_a_state_with_gaps_is_refused() -> None:
    state = coordinate_state()
    del state["conv_w.bias"]
    with pytest.raises(CheckpointError, match=r"missing: conv_w.bias"):
        reference_module("coordatt", "official", {"inp": 16}, state)
    with pytest.raises(CheckpointError, match=r"unexpected: weight"):
        reference_module("simam", "official", {}, {"weight": torch.rand(1)})


def test_a_mechanism_that_widens_is_refused() -> None:
    with pytest.raises(ValueError, match="16 channels in and 32 out"):
        reference_module("coordatt", "official", {"inp": 16, "oup": 32}, coordinate_state())
