"""Position, channel and dual attention against their formulas, and the published head."""

import pytest
import torch
from torch import nn

from tests.zoo.attention import naive2
from tests.zoo.fill import filled, images
from zoo.attention.danet import ChannelAttention, DANetHead, DualAttention, PositionAttention
from zoo.export.torchscript import TorchScript, archive

SHAPES = [(2, 16, 3, 5), (1, 9, 4, 1), (1, 8, 1, 1)]
NAIVE = {
    PositionAttention: naive2.position_attention,
    ChannelAttention: naive2.channel_attention,
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", NAIVE, ids=lambda kind: kind.__name__)
def test_it_equals_the_formula(kind: type[nn.Module], shape: tuple[int, ...]) -> None:
    layer = filled(kind(shape[1]), salt=1, gain=1.0).double()
    assert layer.gamma != 0
    x = images(shape, seed=2).double()
    naive = torch.stack([NAIVE[kind](image, layer.state_dict()) for image in x])
    torch.testing.assert_close(layer(x), naive, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", NAIVE, ids=lambda kind: kind.__name__)
def test_a_new_layer_is_the_identity(kind: type[nn.Module]) -> None:
    x = images((2, 16, 3, 5), seed=2)
    assert torch.equal(kind(16)(x), x)


def test_dual_attention_is_the_sum_of_both() -> None:
    layer = filled(DualAttention(16), salt=1, gain=1.0)
    x = images((2, 16, 3, 5), seed=2)
    assert torch.equal(layer(x), layer.position(x) + layer.channel(x))
    assert torch.equal(DualAttention(16)(x), 2 * x)


def test_channel_attention_prefers_the_unlike() -> None:
    layer = ChannelAttention(2)
    nn.init.ones_(layer.gamma)
    x = torch.tensor([4.0, 4.0, -4.0, -4.0]).reshape(1, 2, 1, 2)
    assert torch.allclose(layer(x), torch.zeros_like(x))  # each adds the other, its opposite


def test_the_head_answers_three_maps_of_classes() -> None:
    head = filled(DANetHead(64, num_classes=5), salt=1, gain=1.0)
    fused, position, channel = head(images((2, 64, 3, 5), seed=2))
    assert fused.shape == position.shape == channel.shape == (2, 5, 3, 5)
    assert not torch.equal(position, channel)


def test_the_scripted_head_equals_eager() -> None:
    head = filled(DANetHead(32, num_classes=3), salt=1, gain=1.0)
    x = images((1, 32, 3, 5), seed=2)
    torch.testing.assert_close(TorchScript().load(archive(head))(x), head(x))


@pytest.mark.parametrize(
    ("build", "least"),
    [(PositionAttention, 8), (DualAttention, 8), (lambda c: DANetHead(c, num_classes=2), 32)],
)
def test_too_few_channels_are_refused(build, least: int) -> None:
    build(least)
    with pytest.raises(ValueError, match=f"channels is {least - 1}; .* need {least} or more"):
        build(least - 1)
