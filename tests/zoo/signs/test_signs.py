"""The road-sign renderer: any sample by its number, always the same, never two alike."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from zoo.signs.dataset import LABELS, Split, load, render
from zoo.signs.placement import Pose, place, quad
from zoo.signs.preview import preview
from zoo.signs.setting import ROAD, STREET

PAINTERS = {**STREET.signs, **ROAD.signs}
ANGLES = st.floats(-1.2, 1.2)


def test_a_sample_depends_on_its_numbers_alone() -> None:
    forwards = [render(Split.TRAIN, index).jpeg for index in range(12)]
    backwards = [render(Split.TRAIN, index).jpeg for index in reversed(range(12))]
    assert forwards == backwards[::-1]


def test_no_two_samples_of_any_split_or_seed_are_equal() -> None:
    files = {
        render(split, index, seed).jpeg
        for split in Split
        for index in range(12)
        for seed in range(3)
    }
    assert len(files) == len(Split) * 12 * 3


def test_a_sample_is_a_jpeg_of_64_by_64_pixels() -> None:
    sample = render(Split.TEST, 7)
    with Image.open(BytesIO(sample.jpeg)) as image:
        assert (image.format, image.size, image.mode) == ("JPEG", (64, 64), "RGB")
    assert sample.pixels().shape == (64, 64, 3)


def test_loaded_tensors_are_the_decoded_files() -> None:
    images, labels = load(Split.VALIDATION, 8).tensors
    for index in range(8):
        sample = render(Split.VALIDATION, index)
        assert np.array_equal(images[index].numpy(), sample.pixels())
        assert labels[index] == sample.label


def test_any_six_neighbours_hold_every_class_once() -> None:
    labels = [render(Split.TRAIN, index).label for index in range(5, 11)]
    assert sorted(labels) == list(range(len(LABELS)))


@pytest.mark.parametrize("label", LABELS[:-1])
def test_every_sign_covers_a_good_part_of_its_patch(label: str) -> None:
    for seed in range(5):
        patch = PAINTERS[label](np.random.default_rng(seed))
        seen = np.asarray(patch.getchannel("A")) > 96
        assert seen.mean() > 0.1


def test_every_label_but_background_has_a_painter() -> None:
    assert set(PAINTERS) == set(LABELS) - {"background"}


def centre_of_paint(alpha: NDArray[np.uint8]) -> float:
    """Mean x of the paint, in pixels."""
    return float(np.argwhere(alpha > 96)[:, 1].mean())


@pytest.mark.parametrize("seed", range(5))
def test_the_left_arrow_points_left(seed: int) -> None:
    alpha = np.asarray(ROAD.signs["left_arrow"](np.random.default_rng(seed)).getchannel("A"))
    head, shaft = np.array_split(alpha, 2)
    assert centre_of_paint(head) < centre_of_paint(shaft) - 10


@pytest.mark.parametrize("seed", range(5))
def test_the_straight_arrow_leans_to_neither_side(seed: int) -> None:
    alpha = np.asarray(ROAD.signs["straight_arrow"](np.random.default_rng(seed)).getchannel("A"))
    head, shaft = np.array_split(alpha, 2)
    assert centre_of_paint(head) == pytest.approx(centre_of_paint(shaft), abs=10)


@settings(max_examples=50, deadline=None)
@given(roll=ANGLES, yaw=ANGLES, pitch=ANGLES, size=st.floats(12, 60))
def test_the_box_of_a_placed_patch_is_tight(
    roll: float, yaw: float, pitch: float, size: float
) -> None:
    scene = Image.new("RGB", (100, 80))
    patch = Image.new("RGBA", (40, 30), "white")
    placed = place(scene, patch, quad(patch.size, Pose(roll, yaw, pitch)) * size + (50, 40))
    painted = np.argwhere(np.asarray(scene)[..., 0] >= 96)  # rows of y, x
    assert placed is not None
    box = placed.box
    assert np.array_equal(painted, np.argwhere(np.asarray(placed.solid)))
    assert painted.min(axis=0).tolist() == [box.y_min, box.x_min]
    assert painted.max(axis=0).tolist() == [box.y_max - 1, box.x_max - 1]


@pytest.mark.parametrize("corner", [(0, 0), (100, 80)])
def test_a_box_ends_where_the_scene_ends(corner: tuple[int, int]) -> None:
    scene, patch = Image.new("RGB", (100, 80)), Image.new("RGBA", (40, 40), "white")
    placed = place(scene, patch, quad(patch.size, Pose(0, 0, 0)) * 40 + corner)
    assert placed is not None
    box = placed.box
    assert (box.x_max - box.x_min, box.y_max - box.y_min) == (20, 20)
    assert 0 <= box.x_min < box.x_max <= 100


def test_a_patch_outside_the_scene_has_no_box() -> None:
    scene, patch = Image.new("RGB", (100, 80)), Image.new("RGBA", (40, 40), "white")
    assert place(scene, patch, quad(patch.size, Pose(0, 0, 0)) * 40 + (-50, 40)) is None


def test_the_contact_sheet_shows_every_class(tmp_path: Path) -> None:
    preview(tmp_path / "sheet.png", columns=2, rows_per_class=1)
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (2 * 128, len(LABELS) * (20 + 128))
