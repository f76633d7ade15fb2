"""Each fit, the colour order, and the way back from tensor to image."""

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.recipe import ColourOrder, Fit, InputSpec, Interpolation, Layout, Normalisation
from pixels.fit import prepare
from tests.images import QUARTERS, quarters


def spec(**changes) -> InputSpec:
    fields = {"name": "INPUT__0", "height": 64, "width": 64, "fit": Fit.STRETCH} | changes
    return InputSpec(**fields)


def tensor(picture: PIL.Image.Image, **changes) -> np.ndarray:
    array = prepare(picture, spec(**changes)).tensor
    assert array.dtype == np.uint8
    assert array.flags.c_contiguous
    return array


@pytest.mark.parametrize("interpolation", Interpolation)
def test_stretch_is_pillows_resize(interpolation: Interpolation) -> None:
    kind = PIL.Image.Resampling[interpolation.name]
    array = tensor(quarters(640, 480), interpolation=interpolation)
    np.testing.assert_array_equal(array[0], quarters(640, 480).resize((64, 64), kind))


@pytest.mark.parametrize("fit", [Fit.STRETCH, Fit.LETTERBOX])
def test_an_image_of_the_right_size_is_not_resampled(fit: Fit) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    np.testing.assert_array_equal(tensor(PIL.Image.fromarray(noise), fit=fit)[0], noise)


def test_bgr_swaps_red_and_blue() -> None:
    rgb = tensor(quarters(64, 64))
    np.testing.assert_array_equal(tensor(quarters(64, 64), colour=ColourOrder.BGR), rgb[..., ::-1])


def test_channels_come_first_where_the_model_wants_it() -> None:
    array = prepare(quarters(64, 48), spec(layout=Layout.NCHW, width=80)).tensor
    assert (array.shape, array.dtype) == ((1, 3, 64, 80), np.uint8)
    assert array.flags.c_contiguous
    np.testing.assert_array_equal(array[0].transpose(1, 2, 0), tensor(quarters(), width=80)[0])


@pytest.mark.parametrize("colour", ColourOrder)
def test_normalisation_is_the_formula_for_each_channel(colour: ColourOrder) -> None:
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    wanted = (tensor(quarters(), colour=colour) / 255 - mean) / std
    changes = {"colour": colour, "normalisation": Normalisation(mean=mean, std=std)}
    array = prepare(quarters(), spec(**changes)).tensor
    assert (array.dtype, array.flags.c_contiguous) == (np.float32, True)
    np.testing.assert_allclose(array, wanted, atol=1e-6)


def test_a_letterbox_fills_its_bars() -> None:
    array = tensor(quarters(640, 320), fit=Fit.LETTERBOX, fill=(1, 2, 3))[0]
    assert (array[:16] == (1, 2, 3)).all()
    assert (array[-16:] == (1, 2, 3)).all()
    assert tuple(array[20, 5]) == QUARTERS["top left"]


def test_a_crop_takes_the_centre() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (100, 140, 3), np.uint8)
    array = tensor(PIL.Image.fromarray(noise), fit=Fit.CROP, shorter_side=100)[0]
    np.testing.assert_array_equal(array, noise[18:82, 38:102])


def test_a_crop_equals_cropping_the_resized_image() -> None:
    array = tensor(quarters(640, 480), fit=Fit.CROP, shorter_side=72)[0]
    resized = quarters(640, 480).resize((96, 72), PIL.Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(array, resized.crop((16, 4, 80, 68)))


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1)])
@pytest.mark.parametrize("fit", Fit)
def test_extreme_shapes_are_no_problem(size: tuple[int, int], fit: Fit) -> None:
    side = 256 if fit is Fit.CROP else None
    array = tensor(PIL.Image.new("RGB", size), fit=fit, shorter_side=side, width=48)
    assert array.shape == (1, 64, 48, 3)


fits = st.sampled_from([(Fit.STRETCH, None), (Fit.LETTERBOX, None), (Fit.CROP, 80)])
sides = st.integers(1, 300)
shares = st.floats(0, 1)


@settings(deadline=None)
@given(fits, sides, sides, shares, shares)
def test_undo_brings_points_back_to_the_image(
    fit: tuple, width: int, height: int, share_x: float, share_y: float
) -> None:
    wanted = spec(fit=fit[0], shorter_side=fit[1], width=48)
    geometry = prepare(PIL.Image.new("RGB", (width, height)), wanted).geometry
    point = np.array([share_x * width, share_y * height])
    there = point * (geometry.scale_x, geometry.scale_y) + (geometry.offset_x, geometry.offset_y)
    np.testing.assert_array_equal(geometry.apply(point), there)
    np.testing.assert_allclose(geometry.undo(there[None])[0], point, atol=1e-6)


def test_what_lies_in_the_bars_lies_outside_until_it_is_clipped() -> None:
    geometry = prepare(quarters(640, 320), spec(fit=Fit.LETTERBOX)).geometry
    corners = geometry.undo(np.array([[0, 0], [64, 64]]))  # inside the bars of the letterbox
    np.testing.assert_array_equal(corners, [[0, -160], [640, 480]])
    np.testing.assert_array_equal(geometry.clip(corners), [[0, 0], [640, 320]])


def test_the_middle_of_the_tensor_is_the_middle_of_the_image() -> None:
    for fit, side in ((Fit.STRETCH, None), (Fit.LETTERBOX, None), (Fit.CROP, 72)):
        wanted = spec(fit=fit, shorter_side=side)
        geometry = prepare(quarters(640, 480), wanted).geometry
        np.testing.assert_allclose(geometry.undo(np.array([32, 32])), [320, 240])
