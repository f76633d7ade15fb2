"""Names: every one can be built, unknown and repeated ones are refused."""

import pytest
import torch
from torch import nn

import zoo
from zoo.attention import MECHANISMS
from zoo.attention.mechanism import Mechanism
from zoo.places import Place
from zoo.registry import DuplicateNameError, Table, UnknownNameError


def test_an_unknown_name_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(UnknownNameError, match=r"Did you mean 'mbv2_simam'\?.*mbv2_none"):
        zoo.create("mbv2_siman", num_classes=6, image_size=64)


def test_a_table_refuses_a_name_it_has() -> None:
    mechanism = Mechanism(layer=nn.Identity, place=Place.NOWHERE, paper=None)
    with pytest.raises(DuplicateNameError, match="'simam' exists already"):
        MECHANISMS.add("simam", mechanism)
    assert MECHANISMS["simam"] is not mechanism


def test_a_table_keeps_the_order_of_entry() -> None:
    table: Table[int] = Table("number")
    table.add("two", 2)
    table.add("one", 1)
    assert list(table) == ["two", "one"]
    assert table["one"] == 1


@pytest.mark.parametrize(
    ("num_classes", "image_size", "message"),
    [(1, 64, "num_classes is 1"), (6, 8, "image_size is 8.*16")],
)
def test_numbers_that_make_no_network_are_refused(
    num_classes: int, image_size: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        zoo.create("mbv2_simam", num_classes=num_classes, image_size=image_size)


def test_a_network_starts_the_same_from_the_same_seed() -> None:
    torch.manual_seed(7)
    first = zoo.create("mbv2_simam", num_classes=6, image_size=64)
    torch.manual_seed(7)
    second = zoo.create("mbv2_simam", num_classes=6, image_size=64)
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name
