"""Counted costs: by hand, of the reference networks, as printed by others, and in the docs."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import zoo
from zoo.backbones.resnet import Residual
from zoo.costs.complexity import Cost, cost
from zoo.costs.page import compare, page, rounded
from zoo.costs.published import ECA, PUBLISHED, PYTORCH_INSIGHT, Published

GOLDEN = Path(__file__).parents[4] / "shared/golden/networks"
PAGE = Path(__file__).parents[3] / "docs/zoo.md"
KERNELS = {
    18: (3, 5, 7, 7),
    34: (3, 3, 5, 7),
    50: (3, 5, 5, 7),
    101: (3, 3, 5, 7),
    152: (3, 3, 5, 7),
}
WIDTHS = {d: tuple(w if d < 50 else 4 * w for w in (64, 128, 256, 512)) for d in KERNELS}
STANDARD = {"form": "standard"}
QUARTER = STANDARD | {"attention": {"reduction": 4}}
MOBILE_KERNELS = {16: 1, 24: 1, 32: 1, 64: 1, 96: 3, 160: 3, 320: 3}


def resnets(source: str, mechanism: str, depths: tuple[int, ...], **options: Any) -> dict[str, Any]:
    return {f"{source}_resnet{d}": (f"rn{d}_{mechanism}", options) for d in depths}


ALL = tuple(KERNELS)
REFERENCES = {
    **resnets("simam", "simam", ALL),
    **resnets("se", "se", ALL),
    **resnets("insight_se", "se", ALL, attention={"bias": True}),
    **resnets("sge", "sge", ALL),
    **resnets("sa", "sa", ALL[2:]),
    **resnets("cbam", "cbam", ALL[:4]),
    **resnets("bam", "bam", ALL[:4]),
    **{
        f"eca_resnet{d}": (
            f"rn{d}_eca",
            {"attention": {"kernel_size": dict(zip(WIDTHS[d], KERNELS[d], strict=True))}},
        )
        for d in ALL
    },
    "simam_resnet50d": ("rn50d_simam", {}),
    "simam_resnext50_32x4d": ("resnext50_simam", {}),
    "simam_mobilenet_v2": ("mbv2_simam", STANDARD),
    "simamrepo_se_mobilenet_v2": ("mbv2_se", QUARTER),
    "simamrepo_cbam_mobilenet_v2": ("mbv2_cbam", QUARTER),
    "mbv2_ca": ("mbv2_ca", STANDARD),
    "eca_mobilenet_v2": ("mbv2_eca", STANDARD | {"attention": {"kernel_size": MOBILE_KERNELS}}),
}


def on_meta(name: str, **options: Any) -> nn.Module:
    with torch.device("meta"):
        return zoo.create(name, num_classes=1000, image_size=224, **options)


@pytest.mark.parametrize("reference", REFERENCES)
def test_counts_and_shapes_are_those_of_the_reference_network(reference: str) -> None:
    path = GOLDEN / f"{reference}.keys.json"
    if not path.exists():
        pytest.skip(f"{path} is absent: the reference data is not part of the project")
    expected = json.loads(path.read_text())
    name, options = REFERENCES[reference]
    network = on_meta(name, **options)
    counted = cost(network, expected["macs_input"][-1])
    assert counted.parameters == expected["num_params"]
    assert counted.layer_macs == expected["conv_linear_macs"]
    shapes = sorted(tuple(shape) for _, shape in expected["keys"])
    assert sorted(tuple(value.shape) for value in network.state_dict().values()) == shapes


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.depthwise = nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False)
        self.linear = nn.Linear(8, 5)
        self.frozen = nn.Parameter(torch.zeros(7), requires_grad=False)

    def forward(self, images: Tensor) -> Tensor:
        x = self.depthwise(self.conv(images)).flatten(2)
        return self.linear(torch.bmm(x, x.transpose(1, 2)).mean(dim=2))


def test_a_small_network_costs_what_one_counts_by_hand() -> None:
    network = Small()
    layer_macs = 8 * 6 * 6 * 27 + 8 * 6 * 6 * 9 + 5 * 8
    assert cost(network, 12) == Cost(8 * 27 + 8 + 8 * 9 + 5 * 8 + 5, layer_macs, 8 * 8 * 36)
    assert network.training


@cache
def ours(position: int) -> Cost:
    return compare(PUBLISHED[position])


@pytest.mark.parametrize("position", range(len(PUBLISHED)), ids=[row.model for row in PUBLISHED])
def test_a_published_count_is_met_or_the_difference_explained(position: int) -> None:
    row = PUBLISHED[position]
    for printed, count, power, note in (
        (row.parameters, ours(position).parameters, 2, row.parameters_note),
        (row.macs, ours(position).layer_macs, 3, row.macs_note),
    ):
        met = printed is None or rounded(count, row, printed, power) == printed
        assert met == (not note)


def beyond_layers(network: nn.Module, *, norm: int, others: int) -> int:
    """Operations of a plain network for its norms, and for what is activated or pooled."""
    total = 0

    def count(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        nonlocal total
        if isinstance(module, nn.BatchNorm2d):
            total += norm * output.numel()
        elif isinstance(module, nn.ReLU | nn.ReLU6 | Residual):  # a block ends with a ReLU
            total += others * output.numel()
        elif isinstance(module, nn.MaxPool2d):
            total += others * inputs[0].numel()

    hooks = [module.register_forward_hook(count) for module in network.modules()]
    features = network.eval().features(torch.zeros(1, 3, 224, 224, device="meta"))
    for hook in hooks:
        hook.remove()
    return total + others * features.numel()  # the average pool


@pytest.mark.parametrize("row", [r for r in PUBLISHED if "SimAM" in r.source and r.macs])
def test_simams_figures_are_ours_with_two_per_norm_value(row: Published) -> None:
    network = on_meta(row.name, **row.options)
    total = cost(network, 224).layer_macs + beyond_layers(network, norm=2, others=0)
    assert rounded(total, row, row.macs, 3) == row.macs


@pytest.mark.parametrize(
    ("row", "norm"),
    [(row, 2) for row in PUBLISHED if row.source == PYTORCH_INSIGHT and row.name.endswith("_none")]
    + [(row, 4) for row in PUBLISHED if row.source == ECA and row.name.startswith("rn")],
)
def test_other_figures_are_ours_with_norms_activations_and_pools(row: Published, norm: int) -> None:
    network = on_meta(f"{row.name.partition('_')[0]}_none")  # ECA itself costs less than a digit
    total = cost(network, 224).layer_macs + beyond_layers(network, norm=norm, others=1)
    last_digit = 10.0 ** -len(row.macs.partition(".")[2])
    got = float(rounded(total, row, row.macs, 3))
    assert got == pytest.approx(float(row.macs), abs=1.1 * last_digit)


def test_the_page_in_the_docs_is_what_the_zoo_writes() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m zoo table`"
