"""What holds for every mechanism of the table."""

import copy
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from tests.zoo.fill import filled, images
from zoo.attention import MECHANISMS
from zoo.export.torchscript import TorchScript, archive

CHANNELS = 32
sides = st.integers(1, 9)

# Gates that ask where a pixel lies: convolutions over positions, or rows apart from columns.
SEES_PLACES = {"cbam", "bam", "gam", "ulsam", "ca", "ccnet"}
# Of these, convolutions whose kernel has a direction; a flip keeps rows, columns and windows.
SEES_FLIPS = {"cbam", "bam", "gam"}


def layer_of(name: str) -> nn.Module:
    """A layer in eval mode, with no parameter at a value that hides a mistake."""
    return filled(MECHANISMS[name].build(CHANNELS), salt=1, gain=1.0)


def sample(height: int = 5, width: int = 7, *, batch: int = 2) -> Tensor:
    return images((batch, CHANNELS, height, width), seed=height * width)


every_mechanism = pytest.mark.parametrize("name", list(MECHANISMS))


@every_mechanism
@settings(deadline=None, max_examples=15)
@given(batch=st.integers(1, 3), height=sides, width=sides)
def test_the_shape_is_kept_and_the_answer_finite(name, batch, height, width) -> None:
    x = sample(height, width, batch=batch)
    y = layer_of(name)(x)
    assert y.shape == x.shape
    assert y.isfinite().all()


@every_mechanism
def test_images_of_a_batch_do_not_see_each_other(name: str) -> None:
    layer, x = layer_of(name), sample(batch=3)
    alone = torch.cat([layer(image) for image in x.split(1)])
    torch.testing.assert_close(layer(x), alone, rtol=1e-5, atol=1e-5)


@every_mechanism
@settings(deadline=None, max_examples=10)
@given(height=sides, width=sides, value=st.sampled_from([0.0, 1.0, -3.0, 100.0]))
def test_a_constant_image_gives_finite_answers(name, height, width, value) -> None:
    assert layer_of(name)(torch.full((1, CHANNELS, height, width), value)).isfinite().all()


@every_mechanism
@pytest.mark.parametrize(
    "relaid",
    [
        lambda x: x.to(memory_format=torch.channels_last),
        lambda x: x.repeat_interleave(2, dim=3)[..., ::2],
        lambda x: x.repeat_interleave(2, dim=1)[:, ::2],
        lambda x: x.mT.contiguous().mT,
    ],
    ids=["channels_last", "sliced columns", "sliced channels", "transposed"],
)
def test_the_layout_in_memory_changes_nothing(name: str, relaid: Callable[[Tensor], Tensor]):
    layer, x = layer_of(name), sample()
    other = relaid(x)
    assert not other.is_contiguous()
    torch.testing.assert_close(layer(other), layer(x), rtol=1e-5, atol=1e-5)


@every_mechanism
@pytest.mark.parametrize("scale", [1.0, 30.0])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float16, 1e-2), (torch.bfloat16, 5e-2)])
def test_half_precision_stays_near_float32(
    name: str, dtype, tolerance: float, scale: float
) -> None:
    """Sums of squares of such a map lie beyond float16, where gates would saturate in silence.

    On average: a softmax between two almost equal scores may fall either way.
    """
    x = (scale * sample(28, 28)).to(dtype)
    layer = layer_of(name).to(dtype)
    with torch.inference_mode():
        y, expected = layer(x), copy.deepcopy(layer).float()(x.float())
    assert y.dtype == dtype
    assert y.isfinite().all()
    assert (y - expected).abs().mean() <= tolerance * expected.abs().mean()


@every_mechanism
def test_the_scripted_layer_equals_eager_at_every_size(name: str) -> None:
    layer = layer_of(name)
    run = TorchScript().load(archive(layer))
    for x in (sample(), sample(1, 1, batch=1), sample(8, 3), sample()):
        torch.testing.assert_close(run(x), layer(x), rtol=1e-5, atol=1e-5)


@every_mechanism
@pytest.mark.parametrize("axis", [2, 3])
def test_a_flipped_image_gives_a_flipped_answer_unless_places_count(name: str, axis: int) -> None:
    layer, x = layer_of(name), sample()
    same = torch.allclose(layer(x.flip(axis)), layer(x).flip(axis), rtol=1e-4, atol=1e-4)
    assert same is (name not in SEES_FLIPS)


@every_mechanism
def test_shuffled_pixels_give_a_shuffled_answer_unless_places_count(name: str) -> None:
    layer, x = layer_of(name), sample()
    order = torch.randperm(35, generator=torch.Generator().manual_seed(0))

    def shuffled(image: Tensor) -> Tensor:
        return image.flatten(2)[..., order].unflatten(2, (5, 7))

    same = torch.allclose(layer(shuffled(x)), shuffled(layer(x)), rtol=1e-4, atol=1e-4)
    assert same is (name not in SEES_PLACES)


@every_mechanism
def test_gradients_reach_the_image_and_every_parameter(name: str) -> None:
    layer, x = layer_of(name).train(), sample(batch=4).requires_grad_()
    y = layer(x)
    (y * images(tuple(y.shape), seed=7)).sum().backward()
    reached = {"image": x.grad, **{key: p.grad for key, p in layer.named_parameters()}}
    unmoved = [k for k, g in reached.items() if g is None or not g.any() or not g.isfinite().all()]
    assert unmoved == []


@every_mechanism
def test_a_new_layer_is_ready_for_training(name: str) -> None:
    """Initial values are finite, and the published start does not blow the image up."""
    layer, x = MECHANISMS[name].build(CHANNELS).eval(), sample()
    assert all(value.isfinite().all() for value in layer.state_dict().values())
    assert layer(x).abs().max() <= 4 * x.abs().max()
