"""COCO folders: boxes and masks where the gateway puts them, and a message for every mistake."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as runs

from contract.recipe import Fit, InputSpec
from pixels.decode import decode
from pixels.fit import prepare
from pixels.limits import Limits
from tests.images import encode, jpeg, quarters
from tests.zoo.data import folders
from tests.zoo.data.folders import coco, sizes, write_coco
from zoo.data import DataError, DetectionData, files, open_detection
from zoo.evaluation.detector import truths
from zoo.schedules import DetectorSchedule
from zoo.training.detector import SceneBatches

HW = (64, 96)
SQUARE = [[10, 10, 30, 10, 30, 20, 10, 20]]  # a polygon around x 10..30, y 10..20


def read(root: Path, **options) -> DetectionData:
    return open_detection(str(root), HW, **options)


refused = partial(folders.refused, read)


def served(picture: Image.Image) -> np.ndarray:
    """(H, W, 3): as the gateway letterboxes it."""
    spec = InputSpec(name="INPUT__0", height=HW[0], width=HW[1], fit=Fit.LETTERBOX)
    return prepare(picture, spec).tensor[0]


def write_one(root: Path, picture: bytes, *things: dict, **image: object) -> None:
    """Three parts of one image each; that of the training holds ``things`` in ``picture``."""
    root.mkdir(exist_ok=True)
    usual = {"image_id": 1, "category_id": 3, "bbox": [1, 1, 5, 5]}
    for part in ("train", "val", "test"):
        (root / part).mkdir(exist_ok=True)
        (root / part / "1.png").write_bytes(picture if part == "train" else encode(quarters()))
        entry = {"id": 1, "file_name": "1.png"} | (image if part == "train" else {})
        held = [usual | one for one in things] if part == "train" else [usual]
        for one in held:
            one.setdefault("segmentation", SQUARE)
        (root / f"{part}.json").write_text(coco([entry], held))


def test_one_file_is_dealt_out(tmp_path: Path) -> None:
    write_coco(tmp_path / "pets", 20)
    data = read(tmp_path / "pets")
    assert data.labels == ("dog", "cat")
    assert sizes(data) == (14, 3, 3)
    assert data.description.task == "COCO folder pets"
    assert len(data.description.sha256 or "") == 64
    pictures = [
        scene.pixels() for part in (data.train, data.validation, data.test) for scene in part
    ]
    assert {picture.shape for picture in pictures} == {(*HW, 3)}
    assert len({picture.tobytes() for picture in pictures}) == 20
    again, other = read(tmp_path / "pets"), read(tmp_path / "pets", seed=1)
    assert again.description == data.description
    assert np.array_equal(again.test[0].pixels(), data.test[0].pixels())
    assert other.description.sha256 == data.description.sha256
    assert not all(
        np.array_equal(one.pixels(), two.pixels())
        for one, two in zip(data.test, other.test, strict=True)
    )


@pytest.mark.parametrize("folders", [("train", "val", "test"), ("images",) * 3, (".",) * 3])
def test_parts_are_kept_and_images_found(tmp_path: Path, folders: tuple[str, ...]) -> None:
    for number, (part, folder) in enumerate(zip(("train", "val", "test"), folders, strict=True)):
        (tmp_path / folder).mkdir(exist_ok=True)
        name = f"ä {number}.png"
        (tmp_path / folder / name).write_bytes(encode(quarters(30 + number, 40)))
        thing = {"image_id": "a", "category_id": 7, "bbox": [0, 0, 3 + number, 3]}
        text = coco([{"id": "a", "file_name": name}], [thing])
        (tmp_path / f"{part}.json").write_text(text)
    data = read(tmp_path)
    assert sizes(data) == (1, 1, 1)
    expected = served(quarters(32, 40))
    assert np.array_equal(data.test[0].pixels(), expected)
    assert data.test[0].labels.tolist() == [1]


def test_a_box_lies_where_the_gateway_would_look_for_it(tmp_path: Path) -> None:
    write_one(tmp_path, encode(quarters(40, 80)), {"bbox": [10, 20, 20, 30]})
    (scene,) = read(tmp_path).train
    # 40×80 becomes 32×64 with bars of 32 pixels left and right
    assert scene.boxes.tolist() == [[32 + 8, 16, 32 + 24, 40]]
    assert scene.boxes.dtype == np.float32
    assert scene.labels.dtype == np.int64
    (truth,) = truths([scene])
    assert truth.boxes is scene.boxes


def test_the_box_of_a_turned_image_is_that_of_the_upright_one(tmp_path: Path) -> None:
    turned = jpeg(80, 40, 6)  # 40×80 when upright
    write_one(tmp_path / "up", turned, {"bbox": [10, 20, 20, 30]}, width=40, height=80)
    assert read(tmp_path / "up").train[0].boxes.tolist() == [[40, 16, 56, 40]]
    write_one(tmp_path / "as_stored", turned, {"bbox": [20, 10, 30, 20]}, width=80, height=40)
    refused(tmp_path / "as_stored", "1.png", "40×80", "80×40")


def test_crowds_and_boxes_without_area_are_left_out_and_counted(tmp_path: Path) -> None:
    write_one(
        tmp_path,
        encode(quarters(40, 30)),
        {"iscrowd": 1, "segmentation": {"size": [30, 40], "counts": [1200]}},
        {"bbox": [5, 5, 0, 7]},
        {"bbox": [50, 5, 7, 7]},  # beside the image
        {"bbox": [-5, 5, 10, 100], "category_id": 7},  # cut at the edges
    )
    data = read(tmp_path)
    assert data.description.task.endswith("(1 crowds, 2 empty boxes left out)")
    (scene,) = data.train
    side = 64 / 30
    np.testing.assert_allclose(scene.boxes, [[5, 5 * side, 5 + 5 * 85 / 40, 64]], atol=1e-5)
    assert scene.labels.tolist() == [1]


def test_an_image_of_nothing_is_kept(tmp_path: Path) -> None:
    write_coco(tmp_path)
    document = json.loads((tmp_path / "annotations.json").read_text())
    (tmp_path / "images" / "void.png").write_bytes(encode(quarters()))
    document["images"].append({"id": 7, "file_name": "void.png"})
    (tmp_path / "annotations.json").write_text(json.dumps(document))
    data = read(tmp_path, with_masks=True)
    scenes = [*data.train, *data.validation, *data.test]
    assert sorted(len(scene.labels) for scene in scenes) == [0] + [1] * 10
    (void,) = (scene for scene in scenes if not len(scene.labels))
    assert void.boxes.shape == (0, 4)
    assert void.masks is not None
    assert void.masks.shape == (0, *HW)


def plain_runs(mask: np.ndarray) -> dict:
    """COCO's run lengths, column by column, zeros first."""
    flat = mask.ravel(order="F").astype(int)
    edges = np.flatnonzero(np.diff(flat, prepend=0)).tolist()
    return {"size": list(mask.shape), "counts": np.diff([0, *edges, flat.size]).tolist()}


def compressed_runs(mask: np.ndarray) -> dict:
    coded = runs.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": list(mask.shape), "counts": coded["counts"].decode()}


def blob(height: int, width: int) -> np.ndarray:
    """Rings and specks, so that runs are many and of many lengths."""
    y, x = np.mgrid[:height, :width]
    rings = np.sin(np.hypot(y - height / 3, x - width / 2) / 9) > 0.2
    return rings ^ (np.random.default_rng(0).random((height, width)) < 0.01)


@pytest.mark.parametrize("form", [plain_runs, compressed_runs])
def test_run_lengths_give_the_mask(tmp_path: Path, form) -> None:
    mask = blob(*HW)  # an image of the input's size: nothing is resized
    write_one(tmp_path, encode(quarters(HW[1], HW[0])), {"segmentation": form(mask)})
    (scene,) = read(tmp_path, with_masks=True).train
    assert scene.masks is not None
    assert np.array_equal(scene.masks[0], mask)


def test_polygons_are_merged_and_letterboxed(tmp_path: Path) -> None:
    polygons = [*SQUARE, [30, 30, 38, 30, 38, 70, 30, 70]]
    write_one(tmp_path, encode(quarters(40, 80)), {"segmentation": polygons})
    (scene,) = read(tmp_path, with_masks=True).train
    expected = np.zeros(HW, bool)
    expected[8:16, 40:56] = expected[24:56, 56:62] = True  # half of a pixel is one or none
    assert scene.masks is not None
    assert (scene.masks[0] ^ expected).sum() <= 32
    (_, (target,)) = next(iter(SceneBatches([scene], DetectorSchedule())))
    assert target.masks is not None
    assert target.masks.shape == (1, *HW)


@pytest.mark.parametrize(
    "segmentation",
    [
        [[1, 2, 3, 4]],
        [[1, 2, 3, 4, 5, 6, 7]],
        [["a"] * 6],
        5,
        {"size": [48, 64], "counts": [5, 5]},  # too short
        {"size": [64, 48], "counts": [64 * 48]},  # of another image
        {"size": [48, 64], "counts": [-5, 48 * 64 + 5]},
        {"size": [48, 64], "counts": "garbage"},
        {"size": [48, 64], "counts": ""},
        {"counts": [48 * 64]},
    ],
)
def test_malformed_segmentations_are_named(tmp_path: Path, segmentation: object) -> None:
    write_one(tmp_path, encode(quarters(64, 48)), {"segmentation": segmentation})
    refused(tmp_path, "1.png: annotation 1: segmentation", with_masks=True)
    assert sizes(read(tmp_path)) == (1, 1, 1)


@pytest.mark.parametrize("segmentation", [None, [], {}])
def test_a_mask_that_is_missing_is_named(tmp_path: Path, segmentation: object) -> None:
    write_one(tmp_path, encode(quarters()), {"segmentation": segmentation})
    refused(tmp_path, "annotation 1 has no segmentation", with_masks=True)


def test_broken_and_missing_images_are_named_or_counted(tmp_path: Path) -> None:
    write_coco(tmp_path)
    (tmp_path / "images" / "003.jpg").write_bytes(b"text")
    refused(tmp_path, str(tmp_path / "images" / "003.jpg"), "--skip-broken")
    (tmp_path / "images" / "003.jpg").unlink()
    refused(tmp_path, str(tmp_path / "images" / "003.jpg"), "no regular file")
    data = read(tmp_path, skip_broken=True)
    assert sum(sizes(data)) == 9
    assert "1 broken images left out" in data.description.task


ENTRY = {"id": 1, "file_name": "1.png"}
THING = {"image_id": 1, "category_id": 3, "bbox": [1, 1, 5, 5]}
CAT = {"id": 7, "name": "cat"}
WRONG = {
    "no JSON": ("{", "is no COCO file"),
    "no object": ("[]", "is no COCO file"),
    "no lists": ("{}", "images must be a list"),
    "an image without a name": (coco([{"id": 1}], []), "lacks 'file_name'"),
    "an image twice": (coco([ENTRY, ENTRY], []), "two images have one id"),
    "a path that leaves": (coco([ENTRY | {"file_name": "../1.png"}], []), "inside the folder"),
    "an absolute path": (coco([ENTRY | {"file_name": "/1.png"}], []), "inside the folder"),
    "no categories": (coco([ENTRY], [], categories=[]), "categories is empty"),
    "a category twice": (coco([ENTRY], [], categories=[CAT, CAT | {"id": 8}]), "repeats"),
    "a name of no letters": (coco([ENTRY], [], categories=[CAT | {"name": "\ud800"}]), "rename"),
    "no such image": (coco([ENTRY], [THING | {"image_id": 2}]), "unknown image_id 2"),
    "no such category": (coco([ENTRY], [THING | {"category_id": 1}]), "unknown category_id 1"),
    "three numbers": (coco([ENTRY], [THING | {"bbox": [1, 2, 3]}]), "annotation 1: bbox"),
    "no number": (coco([ENTRY], [THING | {"bbox": [1, 2, 3, float("nan")]}]), "bbox must be"),
    "too large a number": (coco([ENTRY], [THING | {"bbox": [1, 2, 3, 10**400]}]), "no COCO"),
    "ids of two types": (coco([ENTRY], [], categories=[CAT, {"id": "a", "name": "b"}]), "no COCO"),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_mistakes_in_the_file_are_named(tmp_path: Path, mistake: str) -> None:
    text, said = WRONG[mistake]
    (tmp_path / "annotations.json").write_text(text)
    refused(tmp_path, str(tmp_path / "annotations.json"), said)


def test_other_layouts_are_refused(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere", "is no folder")
    refused(tmp_path, "has neither train.json nor annotations.json")
    (tmp_path / "test.json").write_text(coco([], []))
    refused(tmp_path, "has neither train.json nor annotations.json")


def test_parts_of_other_categories_are_refused(tmp_path: Path) -> None:
    write_one(tmp_path, encode(quarters()), {})
    (tmp_path / "test.json").write_text(coco([ENTRY], [], categories=[CAT]))
    refused(tmp_path, str(tmp_path / "test.json"), "other categories")


def test_an_image_in_two_parts_is_refused(tmp_path: Path) -> None:
    write_one(tmp_path, encode(quarters()), {})
    (tmp_path / "test" / "1.png").unlink()
    (tmp_path / "test" / "1.png").symlink_to(tmp_path / "train" / "1.png")
    refused(tmp_path, "is in two parts")


def test_too_little_is_refused(tmp_path: Path) -> None:
    write_coco(tmp_path, 2)
    refused(tmp_path, "lists 2 images, of at least 3")
    (tmp_path / "annotations.json").write_text(
        coco([ENTRY | {"id": number, "file_name": "000.jpg"} for number in range(3)], [])
    )
    refused(tmp_path, "is in two parts")


def test_a_part_without_a_box_is_refused(tmp_path: Path) -> None:
    write_one(tmp_path, encode(quarters()), {"bbox": [0, 0, 0, 0]})
    refused(tmp_path, "none of the 1 images for train holds a box")


def test_masks_count_for_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_coco(tmp_path)
    monkeypatch.setattr(files, "MOST_BYTES", 10 * 3 * HW[0] * HW[1])
    assert sum(sizes(read(tmp_path))) == 10
    refused(tmp_path, "GiB", "fewer images", with_masks=True)


def test_scenes_of_signs_are_square() -> None:
    with pytest.raises(DataError, match="square, not 64×96"):
        open_detection("signs", HW)


def test_pixels_are_those_of_the_file(tmp_path: Path) -> None:
    content = encode(Image.effect_noise((90, 70), 60).convert("CMYK"), "JPEG")
    write_one(tmp_path, content, {})
    assert np.array_equal(read(tmp_path).train[0].pixels(), served(decode(content, Limits())))
