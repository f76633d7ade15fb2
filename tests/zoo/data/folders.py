"""Data folders written to disk, as a user would bring them."""

import json
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.images import encode
from zoo.data import ClassificationData, DataError, DetectionData

COLOURS = {"blue": (30, 40, 220), "red": (220, 30, 40), "green": (30, 200, 60)}


def photo(colour: str, seed: int, width: int = 40, height: int = 30) -> bytes:
    """A JPEG of noise around one colour; no two seeds give the same bytes."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(COLOURS[colour], 25, (height, width, 3))
    return encode(Image.fromarray(noise.clip(0, 255).astype(np.uint8)), "JPEG")


def write_classes(folder: Path, classes: Sequence[str], each: int, start: int = 0) -> None:
    """``each`` images of every class below ``folder``; a class is named by its colour."""
    for name in classes:
        (folder / name).mkdir(parents=True)
        for number in range(start, start + each):
            (folder / name / f"{number:03}.jpg").write_bytes(photo(name, number))


def size(content: bytes) -> tuple[int, int]:
    """Width and height of the stored rows and columns."""
    with Image.open(BytesIO(content)) as picture:
        return picture.size


def coco(images: Sequence[dict], annotations: Sequence[dict], **more: object) -> str:
    """The text of a COCO file with the categories 7 (cat) and 3 (dog)."""
    numbered = [{"id": number} | one for number, one in enumerate(annotations, start=1)]
    document = {
        "images": images,
        "annotations": numbered,
        "categories": [{"id": 7, "name": "cat"}, {"id": 3, "name": "dog"}],
    }
    return json.dumps(document | more)


def write_coco(root: Path, count: int = 10) -> None:
    """``annotations.json`` and ``images/``: a box of 10×5 pixels at (4, 6) in each 40×30 image."""
    (root / "images").mkdir(parents=True)
    images, annotations = [], []
    for number in range(count):
        name = f"{number:03}.jpg"
        (root / "images" / name).write_bytes(photo("blue", number))
        images.append({"id": 100 + number, "file_name": name, "width": 40, "height": 30})
        box = {"bbox": [4, 6, 10, 5], "segmentation": [[4, 6, 14, 6, 14, 11, 4, 11]]}
        annotations.append(box | {"image_id": 100 + number, "category_id": (3, 7)[number % 2]})
    (root / "annotations.json").write_text(coco(images, annotations))


def sizes(data: ClassificationData | DetectionData) -> tuple[int, int, int]:
    """Images to train on, to validate and to test."""
    return len(data.train), len(data.validation), len(data.test)


def refused(read: Callable[..., object], root: Path, *words: str, **options: object) -> None:
    """To ``read`` the folder ``root`` fails with a message that has all the ``words``."""
    with pytest.raises(DataError) as caught:
        read(root, **options)
    for word in words:
        assert word in str(caught.value)
