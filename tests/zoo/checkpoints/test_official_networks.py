"""Every published network of the reference data: its entries, its costs and its logits."""

import pytest
import torch
from torch import Tensor, nn

from tests.zoo.checkpoints.networks import checkpoint, document, named, shapeful, shapes
from tests.zoo.fill import images
from zoo.checkpoints import from_official
from zoo.checkpoints.official import restore
from zoo.classifiers import ARCHITECTURES
from zoo.costs.complexity import cost


@pytest.mark.parametrize("name", named("keys"))
def test_every_entry_has_its_place_and_its_cost(name: str) -> None:
    reference = document(name, "keys")
    with torch.device("meta"):
        restored = restore(name, shapeful(shapes(name)))
        counted = cost(restored.network, reference["macs_input"][-1])
    assert set(restored.report.loaded) == set(shapes(name))
    assert len(restored.report.loaded) == reference["num_keys"]
    assert (restored.report.fresh, restored.report.left_over) == ((), ())
    assert counted.parameters == reference["num_params"]
    assert counted.layer_macs == reference["conv_linear_macs"]


@pytest.mark.parametrize("name", named("expect"))
@torch.inference_mode()
def test_logits_are_the_published_ones(name: str) -> None:
    expected = document(name, "expect")
    network = from_official(name, checkpoint(name))
    x = images(tuple(expected["input"]["shape"]), expected["input"]["seed"])
    single, double = network(x), network.double()(x.double())

    first10 = torch.tensor(expected["output"]["first10"], dtype=torch.float64)
    largest = expected["float32_reference"]["max_abs_output"]
    rounding = expected["float32_reference"]["max_abs_diff_to_float64"]
    assert double.abs().max().item() == pytest.approx(largest, rel=1e-8)
    assert (double[:, :10] - first10).abs().max() <= 1e-8 * largest
    assert double.abs().sum().item() == pytest.approx(expected["output"]["abs_sum"], rel=1e-8)
    assert double.argmax(dim=1).tolist() == expected["output"]["argmax"]
    assert (single - double).abs().max() <= 20 * rounding + 1e-5 * largest


@pytest.mark.parametrize("name", named("expect"))
@torch.inference_mode()
def test_without_its_attention_a_network_answers_as_differently_as_recorded(name: str) -> None:
    expected = document(name, "expect")
    restored = restore(name, checkpoint(name))
    x = images(tuple(expected["input"]["shape"]), expected["input"]["seed"])
    whole = restored.network(x)
    removed = bypass(restored.network, ARCHITECTURES[restored.name].mechanism.layer)
    change = distance(restored.network(x), whole)
    assert removed == expected["attention_modules"]
    assert change == pytest.approx(expected["attention_bypass_relative_change"], rel=1e-3)


def bypass(network: nn.Module, attention: type[nn.Module]) -> int:
    """Replace every attention by the identity; how many there were."""
    places = [name for name, m in network.named_modules() if isinstance(m, attention)]
    for place in places:
        network.set_submodule(place, nn.Identity())
    return len(places)


def distance(got: Tensor, reference: Tensor) -> float:
    return ((got - reference).norm() / reference.norm()).item()
