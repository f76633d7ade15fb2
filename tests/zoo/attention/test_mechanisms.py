"""Mechanisms inside a network: every hyper-parameter counts, and every parameter learns."""

from typing import Any

import pytest
import torch
from torch import nn

import zoo
from tests.zoo.fill import filled, images
from zoo.attention import MECHANISMS
from zoo.classifiers import ARCHITECTURES

OTHER_VALUES: dict[str, dict[str, Any]] = {  # one for each hyper-parameter
    "none": {},
    "se": {"reduction": 8, "bias": True},
    "cbam": {"reduction": 8, "pools": ("max", "lse"), "kernel_size": 3, "form": "article"},
    "bam": {"reduction": 8, "dilation": 2, "form": "paper", "padding": 3},
    "eca": {"kernel_size": 9, "bias": True, "shared": False},
    "sa": {"groups": 4},
    "psa_p": {"form": "official"},
    "psa_s": {"form": "official"},
    "sge": {"groups": 4, "initial_bias": 0.0},
    "ca": {"reduction": 4},
    "gam": {"rate": 8, "channel_sigmoid": True, "padding_mode": "replicate"},
    "simam": {"lambda_": 1e-4},
    "ulsam": {"num_splits": 2},
    "danet": {},
    "ccnet": {"recurrence": 1},
}
CASES = [(m, name, value) for m, values in OTHER_VALUES.items() for name, value in values.items()]
IMAGE_SIZE = 80  # pixels: the last map is 5×5, the one size that BAM's padding of 3 allows


def network(mechanism: str, attention: dict[str, Any] | None = None) -> nn.Module:
    """A small network with one attention layer at its end, in its initial state."""
    torch.manual_seed(5)
    built = zoo.create(
        f"mbv2_{mechanism}",
        num_classes=4,
        image_size=IMAGE_SIZE,
        place=None if mechanism == "none" else "features_end",
        attention=attention,
    )
    return built.eval()


def test_every_hyper_parameter_is_tried_here() -> None:
    tried = {name: set(values) for name, values in OTHER_VALUES.items()}
    assert tried == {name: set(MECHANISMS[name].hyper_parameters) for name in MECHANISMS}


@torch.inference_mode()
@pytest.mark.parametrize(("mechanism", "name", "value"), CASES)
def test_another_value_makes_another_network(mechanism: str, name: str, value: Any) -> None:
    default, other = network(mechanism), network(mechanism, {name: value})
    shapes = [[tuple(v.shape) for v in n.state_dict().values()] for n in (default, other)]
    if shapes[0] != shapes[1]:
        return
    x = images((1, 3, IMAGE_SIZE, IMAGE_SIZE), seed=1)
    if name != "initial_bias":  # which a fill would overwrite
        default, other = (filled(n, salt=1, gain=1.4) for n in (default, other))
    assert not torch.allclose(default(x), other(x), rtol=1e-4, atol=0)


@pytest.mark.parametrize("mechanism", list(MECHANISMS))
def test_every_parameter_learns_within_three_steps(mechanism: str) -> None:
    """Where a scale starts at 0, what lies behind it waits for the first step."""
    torch.manual_seed(0)
    model = zoo.create(f"mbv2_{mechanism}", num_classes=4, image_size=64).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    waiting = dict(model.named_parameters())
    for _ in range(3):
        loss = nn.functional.cross_entropy(model(images((4, 3, 64, 64), seed=1)), torch.arange(4))
        optimizer.zero_grad()
        loss.backward()
        assert all(p.grad.isfinite().all() for p in model.parameters())
        waiting = {name: p for name, p in waiting.items() if not p.grad.any()}
        optimizer.step()
    assert not waiting


def test_attention_keeps_its_published_initial_values() -> None:
    cbam = zoo.create("rn18_cbam", num_classes=5, image_size=64).features.layer1[0].attention
    assert cbam.spatial.norm.weight.tolist() == [0.0]
    sa = zoo.create("rn18_sa", num_classes=5, image_size=64).features.layer1[0].attention
    assert (sa.cweight.abs().max(), sa.cbias.min()) == (0, 1)


def test_the_rest_starts_as_he_et_al_have_it() -> None:
    torch.manual_seed(0)
    model = zoo.create("rn18_se", num_classes=1000, image_size=64)
    conv, norm = model.features.layer4[0].conv2, model.features.bn1
    assert conv.weight.std().item() == pytest.approx((2 / (512 * 9)) ** 0.5, rel=0.01)
    assert (norm.weight.min(), norm.bias.abs().max()) == (1, 0)
    assert model.classifier[0].weight.std().item() == pytest.approx(0.01, rel=0.01)
    assert model.classifier[0].bias.abs().max() == 0


@torch.inference_mode()
@pytest.mark.parametrize("name", [n for n in ARCHITECTURES if n.startswith("mbv2_")])
def test_the_smallest_image_has_a_finite_answer(name: str) -> None:
    model = filled(zoo.create(name, num_classes=4, image_size=16), salt=2, gain=1.4)
    assert model(images((2, 3, 16, 16), seed=2)).isfinite().all()
