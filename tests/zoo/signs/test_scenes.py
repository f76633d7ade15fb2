"""Scenes: any of them by its number, with boxes that hold each sign and nothing else."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from zoo.signs.arrangement import arrange
from zoo.signs.dataset import Split
from zoo.signs.placement import place, quad
from zoo.signs.scenes import LABELS, SIDE, draw_scene, load, render
from zoo.signs.setting import ROAD, STREET

MANY = 120


def generator(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_a_scene_depends_on_its_numbers_alone() -> None:
    forwards = [render(Split.TRAIN, index) for index in range(6)]
    backwards = [render(Split.TRAIN, index) for index in reversed(range(6))]
    for one, two in zip(forwards, reversed(backwards), strict=True):
        assert one.jpeg == two.jpeg
        assert np.array_equal(one.boxes, two.boxes)
        assert np.array_equal(one.labels, two.labels)


def test_no_two_scenes_of_any_split_or_seed_are_equal() -> None:
    files = {
        render(split, index, seed).jpeg
        for split in Split
        for index in range(6)
        for seed in range(3)
    }
    assert len(files) == len(Split) * 6 * 3


def test_a_scene_is_a_square_jpeg() -> None:
    scene = render(Split.TEST, 3)
    with Image.open(BytesIO(scene.jpeg)) as image:
        assert (image.format, image.size, image.mode) == ("JPEG", (SIDE, SIDE), "RGB")
    assert scene.pixels().shape == (SIDE, SIDE, 3)


def test_boxes_lie_inside_the_scene_and_labels_in_the_table() -> None:
    for scene in load(Split.VALIDATION, MANY):
        assert scene.boxes.shape == (len(scene.labels), 4)
        assert (scene.boxes >= 0).all()
        assert (scene.boxes <= SIDE).all()
        assert (scene.boxes[:, :2] < scene.boxes[:, 2:]).all()
        assert set(scene.labels.tolist()) <= set(range(len(LABELS)))


def test_scenes_hold_none_to_six_signs_of_every_class_and_many_sizes() -> None:
    scenes = load(Split.TRAIN, MANY)
    sizes = np.concatenate([scene.boxes[:, 2:] - scene.boxes[:, :2] for scene in scenes])
    counts = {len(scene.labels) for scene in scenes}
    assert min(counts) == 0
    assert 4 < max(counts) <= 6
    assert {label for scene in scenes for label in scene.labels.tolist()} == set(range(5))
    assert sizes.min() < 16
    assert sizes.max() > 80


@pytest.mark.parametrize("seed", range(8))
def test_a_box_is_tight_around_what_was_painted(seed: int) -> None:
    """Each sign is painted alone, on black, with the random numbers of the scene."""
    rng = generator(seed)
    for thing in arrange(rng, LABELS, 0.5):
        patch = thing.painter(rng)
        solid = Image.new("RGBA", patch.size, "white")
        solid.putalpha(patch.getchannel("A").point(lambda alpha: 255 * (alpha >= 96)))
        canvas = Image.new("RGB", (320, 320))
        corners = quad(patch.size, thing.setting.pose(rng)) * thing.spot.size
        placed = place(canvas, solid, (corners + thing.spot[:2]) * 320)
        painted = np.argwhere(np.asarray(canvas)[..., 0] >= 96)  # rows of y, x
        assert placed is not None
        box = placed.box
        assert painted.min(axis=0).tolist() == [box.y_min, box.x_min]
        assert (painted.max(axis=0) + 1).tolist() == [box.y_max, box.x_max]


def test_the_boxes_of_the_file_are_those_of_the_drawing_at_half_its_size() -> None:
    rng = np.random.default_rng(np.random.SeedSequence(0, spawn_key=(1, Split.TEST, 5)))
    _, signs = draw_scene(rng, 2 * SIDE)
    scene = render(Split.TEST, 5)
    assert (2 * scene.boxes).tolist() == [list(sign.box) for sign, _ in signs]
    assert scene.labels.tolist() == [label for _, label in signs]


def test_masks_change_nothing_else() -> None:
    with_masks, without = load(Split.TRAIN, 4, with_masks=True), load(Split.TRAIN, 4)
    assert [scene.jpeg for scene in with_masks] == [scene.jpeg for scene in without]
    assert all(scene.masks is None for scene in without)


def test_a_mask_fills_its_box() -> None:
    for scene in load(Split.TRAIN, 20, with_masks=True):
        assert scene.masks is not None
        assert scene.masks.shape == (len(scene.labels), SIDE, SIDE)
        for mask, box in zip(scene.masks, scene.boxes, strict=True):
            painted = np.argwhere(mask)[:, ::-1]  # rows of x, y
            edges = np.concatenate([painted.min(axis=0), painted.max(axis=0) + 1])
            assert np.abs(edges - box).max() <= 0.5  # half a pixel is a pixel of the drawing
            assert mask.sum() > 0.1 * np.prod(box[2:] - box[:2])


def test_signs_stand_in_the_street_and_arrows_lie_on_the_road() -> None:
    for seed in range(40):
        for thing in arrange(generator(seed), LABELS, 0.5):
            assert thing.label is None or thing.label in thing.setting.signs
            if thing.setting is ROAD:
                assert thing.spot.y > 0.5
            else:
                assert thing.setting is STREET
                assert thing.spot.y < 0.6


def test_no_thing_hides_another() -> None:
    for seed in range(40):
        things = arrange(generator(seed), LABELS, 0.5)
        for position, one in enumerate(things):
            for two in things[:position]:
                apart = max(abs(one.spot.x - two.spot.x), abs(one.spot.y - two.spot.y))
                assert apart > 0.3 * (one.spot.size + two.spot.size)


def test_the_far_things_are_painted_first() -> None:
    sizes = [thing.spot.size for thing in arrange(generator(1), LABELS, 0.5)]
    assert len(sizes) > 1
    assert sizes == sorted(sizes)
